"""What the end of a job means for the points of its block."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlbench.errors import EngineError
from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.slurm.job import Job
from mlbench.sweep.slurm.ledger import Entry
from mlbench.sweep.slurm.submission import log_of
from mlbench.sweep.state import (
    PLANNED,
    RUNNING,
    PointState,
    is_finished,
    states,
    write_state,
)

__all__ = ["has_arrived", "left_of", "note", "refuse_a_folder_of_its_own", "told"]

_KINDS = {
    "cancelled": "JobCancelled",
    "failed": "JobFailed",
    "node failed": "NodeFailed",
    "out of memory": "OutOfMemory",
    "timed out": "JobTimedOut",
}

_NEXT = {
    "timed out": "give each job more time with --time",
    "out of memory": "ask for more with --slurm mem=...",
    "PartitionTimeLimit": "no job may take so long there: --time or --partition",
    "PartitionNodeLimit": "the partition gives no job so many nodes: --partition",
    "DependencyNeverSatisfied": "what it depends on failed: --slurm dependency=...",
}
"""What helps, by the state or the reason of a job."""


def left_of(sweep: Path, manifest: SweepManifest, block: str) -> dict[str, PointState]:
    """The points of a block that are not finished."""
    found = states(sweep, manifest.block(block).points)
    attempts = manifest.plan.contamination.attempts
    return {point: state for point, state in found.items() if not is_finished(state, attempts)}


def has_arrived(sweep: Path, manifest: SweepManifest, entry: Entry) -> bool:
    """Whether what an ended job wrote can be seen from here; shared file systems take time."""
    if entry.job.state == "done":
        return not left_of(sweep, manifest, entry.block)
    return not _should_have_written(entry.job) or log_of(sweep, entry.job.id).exists()


def refuse_a_folder_of_its_own(sweep: Path, manifest: SweepManifest, entry: Entry) -> None:
    """Find out that a node does not see the directory of the sweep.

    Raises
    ------
    EngineError
        If a job ran and ended, and left neither what it printed nor the state of a point.
    """
    found = states(sweep, manifest.block(entry.block).points)
    wrote = log_of(sweep, entry.job.id).exists() or any(s != PointState() for s in found.values())
    if _should_have_written(entry.job) and not wrote:
        raise EngineError(
            f"{told(entry)}, but nothing of it is in {sweep}\n"
            f"is that directory on a file system that {entry.job.node} shares with this "
            f"machine? See with `srun --nodelist={entry.job.node} ls {sweep}`, and put the "
            "sweep where it is with --out"
        )


def note(sweep: Path, manifest: SweepManifest, entry: Entry) -> None:
    """Say of points that a job has left running that they are not, and why.

    Raises
    ------
    OutputError
        If the disk does not take it.
    """
    for point, state in left_of(sweep, manifest, entry.block).items():
        if state.status == RUNNING or state.process is not None:
            error = {"kind": _KINDS.get(entry.job.state, "JobFailed"), "message": told(entry)}
            planned = replace(state, status=PLANNED, process=None, error=error)
            write_state(sweep, point, planned)


def told(entry: Entry) -> str:
    """How a job ended, with what helps.

    Examples
    --------
    >>> told(Entry("r0", Job("7", "node failed", "NodeDown", "n1"), 0.0))
    'block r0: job 7 on n1: node failed (NodeDown)'
    >>> told(Entry("r0", Job("8", "failed", "PartitionTimeLimit"), 0.0))
    'block r0: job 8: failed (PartitionTimeLimit): no job may take so long there: --time or ...'
    """
    job = entry.job
    where = f" on {job.node}" if job.node else ""
    why = f" ({job.reason})" if job.reason else ""
    advice = _NEXT.get(job.reason) or _NEXT.get(job.state)
    return f"block {entry.block}: job {job.id}{where}: {job.state}{why}" + (
        f": {advice}" if advice else ""
    )


def _should_have_written(job: Job) -> bool:
    """Whether it ran and ended by itself."""
    return bool(job.node) and job.state in ("done", "failed", "timed out")
