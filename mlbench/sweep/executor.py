"""Where the blocks of a sweep are executed: what an executor is, and which there are.

The contract. A sweep is a directory (see `mlbench.sweep.layout`): ``plan.json`` has all blocks
and points with their ids; ``points/ID/state.json`` says how a point stands.

``python -m mlbench.sweep.block DIRECTORY BLOCK [--no-wait] [--parent PID]`` executes every
unfinished point of one block on the machine that it runs on, one after the other, with locks,
checks for contamination, and states. Points that are finished are left alone, so it may be
called again at any time. SIGTERM (SIGINT, too) marks what ran as planned again and leaves no
process. Its exit status: 0 all points of the block are finished, however they ended;
2 there is no such sweep or block; 75 (EX_TEMPFAIL) another process executes this block, or
with ``--no-wait`` holds a device; 143 it was ended by SIGTERM, and the block is not finished;
1 anything else, said on standard error.

`mlbench.sweep.state.states` reads the states of all points at once; `unfinished` gives the
blocks that have something left.

An executor brings blocks to machines. `mlbench sweep PLAN --on NAME OPTIONS` takes it from
`EXECUTORS` and gives it the options that ``mlbench sweep`` does not know itself. One that
brings them to other machines keeps what it has to remember in a folder of its name in the
directory of the sweep: who goes on with that sweep is asked where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from mlbench.errors import Problem, SpecError, nearest

__all__ = [
    "EXECUTORS",
    "LOCKED",
    "TERMINATED",
    "Executor",
    "Follow",
    "executor_before",
    "executor_for",
    "executor_named",
]

LOCKED = 75
"""Exit status of a block that waits for nobody: EX_TEMPFAIL of sysexits.h."""
TERMINATED = 143
"""Exit status of a block that SIGTERM has ended: 128 and its number."""

EXECUTORS = {"local": "mlbench.sweep.local:Local", "slurm": "mlbench.sweep.slurm:Slurm"}
"""By name, where each is."""

Follow = Callable[[], int]
"""Called several times a second while blocks are executed.

It may look at the directory and draw. It returns how often the end was asked for: 0, go on;
1, end what runs so that the sweep can be resumed; 2 or more, end it at once.
"""


class Executor(Protocol):
    """Brings the blocks of a sweep to where they are executed."""

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Executor:
        """One with the options of a command line: ``["--partition", "gpu"]``.

        Raises
        ------
        SpecError
            If an option is unknown, or its value wrong.
        """

    def run(self, directory: Path, blocks: Sequence[str], follow: Follow) -> None:
        """Execute blocks, and return when each has ended or the end was asked for.

        A block whose process comes to nothing is left unfinished, and is no error: its
        points say how they stand.

        Parameters
        ----------
        directory
            Of the sweep.
        blocks
            Ids of those that are unfinished, in the order of the plan.
        follow
            To be called several times a second.

        Raises
        ------
        EngineError
            If nothing can be executed at all, with what to do about it.
        """


def executor_named(name: str, arguments: Iterable[str] = ()) -> Executor:
    """The executor of that name with its options.

    Raises
    ------
    SpecError
        If there is none, or an option is wrong.
    """
    if name not in EXECUTORS:
        raise SpecError([Problem((), f"--on {name}: no such executor", nearest(name, EXECUTORS))])
    module, _, attribute = EXECUTORS[name].partition(":")
    found: type[Executor] = getattr(import_module(module), attribute)
    return found.from_arguments(tuple(arguments))


def executor_before(directory: Path) -> str | None:
    """The name of the executor that has brought a sweep to other machines; null for none."""
    return next((name for name in EXECUTORS if (directory / name).is_dir()), None)


def executor_for(
    directory: Path | None, name: str | None = None, arguments: Iterable[str] = ()
) -> Executor:
    """The executor that a sweep is to have; without a name the one of this machine.

    Parameters
    ----------
    directory
        Of the sweep that is gone on with; null for a new one.

    Raises
    ------
    SpecError
        If there is none of that name, an option is wrong, or nobody says where to go on with
        a sweep that was brought to other machines: this may be the login node of a cluster.
    """
    before = None if directory is None else executor_before(directory)
    if name is None and before is not None:
        text = f"{directory} was given to --on {before}: say where it is to go on"
        hint = f"--on {before} as before, with its options, or --on local for this machine"
        raise SpecError([Problem((), text, hint)])
    return executor_named(name or "local", arguments)
