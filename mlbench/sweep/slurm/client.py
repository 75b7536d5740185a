"""Slurm's own commands: what a sweep asks and tells through them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence

from mlbench.errors import EngineError, MissingExtraError
from mlbench.sweep.slurm.job import FIELDS, Job, duration, parsed
from mlbench.sweep.slurm.refusal import FORGOTTEN, SILENT, refusal

__all__ = ["cancel", "exit_status", "longest_s", "look_up", "named", "partitions", "require"]

PATIENCE_S = 60.0
"""Until a command that says nothing is given up; Slurm's own gives up after 10 to 30 s."""

ACCOUNTING = "JobIDRaw,State,Reason,NodeList,Start,End,Timelimit,Comment"
"""The fields of `FIELDS`, as ``sacct`` calls them."""


def require() -> None:
    """Make sure that jobs can be submitted from here.

    Raises
    ------
    EngineError
        If there is no Slurm on this machine.
    MissingExtraError
        If submitit is not installed.
    """
    for program in ("sbatch", "squeue", "scancel", "srun"):
        if shutil.which(program) is None:
            raise EngineError(
                f"{program} is not on the path: this machine submits no jobs to Slurm\n"
                "type it on a login node of a cluster (after `module load slurm`, where that is "
                "how it is done), or leave out --on slurm to sweep on this machine"
            )
    try:
        import submitit  # noqa: F401  (only whether it is there)
    except ImportError as error:
        raise MissingExtraError("a sweep on Slurm", "slurm", error) from None


# -- jobs --------------------------------------------------------------------------------


def look_up(ids: Sequence[str]) -> dict[str, Job]:
    """The jobs of these numbers, by number; those that Slurm has forgotten are missing.

    Raises
    ------
    EngineError
        If the controller does not answer.
    """
    if not ids:
        return {}
    found = _queue(f"--jobs={','.join(ids)}")
    lost = [job for job in ids if job not in found]
    return {**_accounts(lost), **found} if lost else found


def named(comments: Iterable[str]) -> dict[str, Job]:
    """One's own jobs that wait or run and carry one of these comments, by comment.

    Raises
    ------
    EngineError
        If the controller does not answer.
    """
    wanted = set(comments)
    mine = _queue(f"--user={os.getuid()}").values()
    return {job.comment: job for job in mine if job.comment in wanted and not job.has_ended}


def exit_status(job: str) -> int | None:
    """The status that the script of a job ended with; null where Slurm has forgotten it."""
    text = _told("scontrol", "--oneliner", "show", "job", job)
    found = re.search(r"\sExitCode=(\d+):\d+\s", text)
    return int(found[1]) if found else None


def cancel(ids: Sequence[str], *, at_once: bool = False) -> None:
    """Ask Slurm to end these jobs; one that has ended already stays as it is.

    Parameters
    ----------
    at_once
        Without the time in which a block closes what it has open.

    Raises
    ------
    EngineError
        If the controller does not answer.
    """
    if ids:
        _told("scancel", "--quiet", *ids)
    if ids and at_once:
        _told("scancel", "--quiet", "--signal=KILL", "--full", *ids)


def _queue(which: str) -> dict[str, Job]:
    """Waiting, running and lately ended jobs: one question, however many they are."""
    text = _told("squeue", "--noheader", "--states=all", f"--format={FIELDS}", which)
    return {job.id: job for job in parsed(text)}


def _accounts(ids: Sequence[str]) -> dict[str, Job]:
    """Jobs that the controller has forgotten, where Slurm keeps accounts."""
    command = ("sacct", "--noheader", "--parsable2", "--allocations", f"--format={ACCOUNTING}")
    try:
        done = _run(*command, f"--jobs={','.join(ids)}")
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return {job.id: job for job in parsed(done.stdout)} if done.returncode == 0 else {}


# -- partitions --------------------------------------------------------------------------


def partitions() -> set[str]:
    """The names of all partitions; none where the controller does not answer."""
    return {name for name, _, _ in _limits()}


def longest_s(partition: str | None) -> int | None:
    """The longest that a job may take.

    Parameters
    ----------
    partition
        One, or several with commas, of which Slurm takes any; null for the default.

    Returns
    -------
    int or None
        In seconds; null where any time is allowed, or nothing is known.
    """
    asked = None if partition is None else partition.split(",")
    chosen = [
        limit
        for name, is_default, limit in _limits()
        if (is_default if asked is None else name in asked)
    ]
    return min((limit for limit in chosen if limit is not None), default=None)


def _limits() -> list[tuple[str, bool, int | None]]:
    """Name, whether it is the default, and longest time of each partition."""
    try:
        lines = _run("sinfo", "--noheader", "--format=%P|%l").stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
    pairs = [line.strip().rpartition("|") for line in lines]
    return [(name.rstrip("*"), name.endswith("*"), duration(text)) for name, _, text in pairs]


# -- commands ----------------------------------------------------------------------------


def _told(*command: str) -> str:
    """What a command prints.

    Raises
    ------
    EngineError
        If it fails for another reason than that a job has ended, or is forgotten.
    """
    try:
        done = _run(*command)
    except subprocess.TimeoutExpired:
        raise refusal(SILENT) from None
    # scancel says nothing, and fails, where a job has ended meanwhile.
    if done.returncode and done.stderr and FORGOTTEN not in done.stderr:
        raise refusal(done.stderr)
    return done.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Slurm's, whose dates and words no setting of the user's changes."""
    plain = {"SLURM_TIME_FORMAT": "standard", "LC_ALL": "C"}
    return subprocess.run(  # noqa: S603  (Slurm's own programs)
        command,
        env={**os.environ, **plain},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
