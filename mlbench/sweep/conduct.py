"""Executes a plan, or goes on with a sweep that was cut off."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from mlbench.errors import (
    EngineError,
    MissingExtraError,
    MlbenchError,
    NotARunError,
    OutputError,
    SpecError,
)
from mlbench.sweep.executor import Executor, Follow, executor_for
from mlbench.sweep.layout import RESULTS, Block, block_lock, read_plan
from mlbench.sweep.local import Local
from mlbench.sweep.locks import HeldError
from mlbench.sweep.opened import Sweep
from mlbench.sweep.plan import Plan, load_plan
from mlbench.sweep.planning import begin, extend, refuse_changed
from mlbench.sweep.state import (
    FAILED,
    PLANNED,
    TIMED_OUT,
    PointState,
    states,
    unfinished,
    write_state,
)

__all__ = ["execute", "removed_if_refused", "reopen", "resume", "run"]


def run(
    plan: Plan | str | PathLike[str],
    *,
    out: str | PathLike[str] = "runs",
    executor: Executor | None = None,
    follow: Follow | None = None,
) -> Sweep:
    """Execute a plan, and return its sweep when all points are finished.

    Everything is checked before anything starts. An interrupt leaves a sweep with which
    `resume` goes on. A point that fails, hangs or dies stops nothing: it is a row of the
    results.

    Parameters
    ----------
    plan
        A plan, or the YAML file of one.
    out
        Directory that gets the sweep's directory.
    executor
        Where blocks are executed; default: on this machine, one after the other.
    follow
        Called several times a second; see `mlbench.sweep.executor.Follow`.

    Raises
    ------
    SpecError
        With every mistake in the plan, its parameters, and the target with them.
    EngineError
        If a block cannot be executed at all.
    """
    found, file = _found(plan)
    directory = begin(found, out, file)
    with removed_if_refused(directory):
        return execute(directory, executor, follow)


def resume(
    path: str | PathLike[str],
    plan: Plan | str | PathLike[str] | None = None,
    *,
    failed: bool = False,
    executor: Executor | None = None,
    follow: Follow | None = None,
) -> Sweep:
    """Go on with a sweep, and return it when all points are finished.

    What is finished is kept: points that failed, too, unless it is said otherwise.

    Parameters
    ----------
    path
        Directory of the sweep.
    plan
        With all the points that were begun, and maybe more; default as it was planned.
    failed
        Whether those that failed or timed out are executed again.
    executor, follow
        As in `run`; a sweep that was on a cluster before needs the executor said.

    Raises
    ------
    SpecError
        With every mistake in the plan, or if nobody says where to go on.
    NotARunError
        If there is no sweep, its code has changed since, or the plan is that of another.
    EngineError
        If a block cannot be executed at all.
    """
    executor = executor or executor_for(Path(path))
    if plan is not None:
        extend(Path(path), *_found(plan))
    return execute(reopen(Path(path), failed), executor, follow)


@contextmanager
def removed_if_refused(directory: Path) -> Iterator[None]:
    """Remove a new sweep that its executor refuses before anything of it has begun.

    One that gets no answer is kept: what was asked for may have been done all the same.
    """
    try:
        yield
    except (EngineError, MissingExtraError, SpecError) as error:
        if _is_untouched(directory, error):
            shutil.rmtree(directory)
        raise


def _is_untouched(directory: Path, refusal: MlbenchError) -> bool:
    """Whether no point was begun, no job submitted, and no block has failed with a log to read."""
    from mlbench.sweep.slurm.ledger import Ledger
    from mlbench.sweep.slurm.refusal import NoAnswerError

    if (
        isinstance(refusal, NoAnswerError)
        or any((directory / "points").iterdir())
        or Ledger(directory).entries
    ):
        return False
    return isinstance(refusal, HeldError) or not any((directory / "blocks").glob("*.log"))


def _found(plan: Plan | str | PathLike[str]) -> tuple[Plan, str | PathLike[str] | None]:
    """A plan, and its file where it has one."""
    return (plan, None) if isinstance(plan, Plan) else (load_plan(plan), plan)


def reopen(directory: Path, failed: bool = False) -> Path:
    """The directory of a sweep that can go on, the points of `resume` planned again.

    Raises
    ------
    NotARunError
        If there is no sweep, or its code has changed since.
    """
    manifest = refuse_changed(directory)
    if failed:
        for block in manifest.blocks:
            _plan_again(directory, block)
    return directory


def _plan_again(directory: Path, block: Block) -> None:
    """Plan points that failed, under the lock of their block: nobody finishes one meanwhile."""
    with block_lock(directory, block.id).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotARunError(
                f"another process executes the block {block.id} of {directory}: "
                "wait for it, or interrupt it"
            ) from None
        for point, state in states(directory, block.points).items():
            if state.status in (FAILED, TIMED_OUT):
                write_state(directory, point, PointState(PLANNED, attempts=state.attempts))


def execute(
    directory: Path, executor: Executor | None = None, follow: Follow | None = None
) -> Sweep:
    """Execute what is unfinished in the directory of a sweep, and write the table."""
    manifest = read_plan(directory)
    found = states(directory, [point.id for point in manifest.points])
    blocks = unfinished(manifest, found)
    if blocks:
        (executor or Local()).run(directory, blocks, follow or _nobody)
    sweep = Sweep(directory)
    if sweep.left == 0:
        write_results(sweep)
    return sweep


def write_results(sweep: Sweep) -> Path:
    """Write the table of a sweep beside its plan; returns its file.

    Raises
    ------
    OutputError
        If the disk does not take it.
    """
    path = sweep.path / RESULTS
    part = path.with_name(f".{RESULTS}.part")
    try:
        sweep.results().to_parquet(part, index=False)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return path


def _nobody() -> int:
    """Nobody looks on, and nobody asks for the end."""
    return 0
