"""The command line: ``mlbench``. What it consists of is loaded when `main` is at work."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress

TYPE_CHECKING = False  # as `typing` has it, whose import takes longer than the others together
if TYPE_CHECKING:
    from mlbench.cli.program import commands
    from mlbench.spawn import Engine

__all__ = ["commands", "main"]

INTERRUPTED = 130
"""As in `mlbench.cli.status`, which an interrupt may keep from being loaded."""


def __getattr__(name: str) -> object:
    if name != "commands":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlbench.cli.program import commands

    return commands


def main() -> None:
    """Execute the command line of this process, and end it with the command's status."""
    try:
        _main()
    except KeyboardInterrupt:  # before or after the command, which has a word for its own
        sys.exit(INTERRUPTED)


def _main() -> None:
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # not a text stream, or closed
            # a terminal that cannot show µ gets a question mark, not a traceback
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIOWrapper
    with ExitStack() as stack:
        engine = None
        if sys.argv[1:2] == ["run"] and not {"-h", "--help"} & {*sys.argv}:
            engine = _started_ahead(stack)
        from mlbench.cli.program import commands

        with suppress(OSError):  # a directory that is gone has no modules
            # as `python -m` does: a spec may name a module beside it
            sys.path.insert(0, os.getcwd())
        commands(prog_name="mlbench", obj=engine)


def _open_streams() -> None:
    """Give a standard stream that is closed (``>&-``) to nobody, as if it were /dev/null."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _started_ahead(stack: ExitStack) -> Engine | None:
    """An engine that starts while this process imports what a command needs."""
    from mlbench.spawn import Engine

    if sys.platform == "linux":
        with suppress(Exception):  # the command tries it again, and says why
            return stack.enter_context(Engine())
    return None
