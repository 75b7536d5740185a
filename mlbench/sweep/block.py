"""``python -m mlbench.sweep.block DIRECTORY BLOCK``: execute what is unfinished of one block.

The contract with those who start it stands in `mlbench.sweep.executor`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mlbench.errors import MlbenchError
from mlbench.sweep.processes import become_subreaper, die_with

__all__ = ["main"]

BLAS = "OPENBLAS_NUM_THREADS"


def main(arguments: list[str] | None = None) -> int:
    """Execute the block that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mlbench.sweep.block")
    parser.add_argument("directory", type=Path)
    parser.add_argument("block")
    parser.add_argument("--no-wait", action="store_true", help="fail where something is held")
    parser.add_argument("--parent", type=int, help="end when this process, the parent, does")
    given = parser.parse_args(arguments)
    try:
        return _execute(given.directory, given.block, not given.no_wait, given.parent)
    except KeyError:
        sys.stderr.write(f"there is no block {given.block} in {given.directory}\n")
        return 2
    except MlbenchError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _execute(directory: Path, block: str, waits: bool, parent: int | None) -> int:
    with _without_threads():
        from mlbench.sweep.block_run import BlockRun

        run = BlockRun(directory, block, waits)
        _listen(run.end, parent)
        run.prepare()
    try:
        return run.execute()
    except MlbenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1


@contextmanager
def _without_threads() -> Iterator[None]:
    """Import numpy without the threads of its library: this process is going to fork.

    What it starts does not see the variable.
    """
    before = os.environ.get(BLAS)
    os.environ[BLAS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[BLAS]
        else:
            os.environ[BLAS] = before


def _listen(end: Callable[[int, FrameType | None], None], parent: int | None) -> None:
    become_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    if parent is not None:
        die_with(parent, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
