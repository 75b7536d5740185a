"""What a command says when it cannot go on, and the status that it ends with."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress

import click

from mlbench.cli.status import BAD_INPUT, BROKEN_PIPE, FAILED
from mlbench.cli.text import plain
from mlbench.errors import EngineError, MlbenchError, SpecError

__all__ = ["defect", "is_full", "quiet", "told", "unwritten"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def told(error: MlbenchError) -> int:
    """Print a user's mistake, one line each, on standard error; returns the exit status."""
    if isinstance(error, SpecError):
        for problem in error.problems:
            start = "error: " if problem.file is None else ""
            click.echo(f"{start}{plain(str(problem))}", err=True)
        return BAD_INPUT
    lines = str(error).splitlines() or [type(error).__name__]
    click.echo(f"error: {plain(lines[0])}", err=True)
    for line in lines[1:]:
        click.echo(f"  {plain(line)}", err=True)
    return FAILED if isinstance(error, EngineError) else BAD_INPUT


def defect(error: Exception) -> int:
    """Print a mistake of mlbench itself with its traceback; returns the exit status."""
    text = "".join(traceback.format_exception(error))
    click.echo(
        f"{text}\nthis is a defect of mlbench: please report it with the text above", err=True
    )
    return FAILED


def is_full(error: Exception) -> bool:
    """Whether there was no room for what a command wrote."""
    return isinstance(error, OSError) and error.errno in FULL


def unwritten(error: Exception) -> int:
    """Say that there was no room for what a command wrote; returns the exit status."""
    with suppress(OSError):  # standard error may go to the same disk
        click.echo(f"error: cannot write: {getattr(error, 'strerror', error)}", err=True)
    _to_nowhere()
    return BAD_INPUT


def quiet() -> int:
    """Say nothing more, because nobody reads it; returns the exit status."""
    _to_nowhere()
    return BROKEN_PIPE


def _to_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())  # what is still buffered would raise at exit
    except (OSError, ValueError):  # no descriptor behind it
        pass
    finally:
        os.close(nowhere)
