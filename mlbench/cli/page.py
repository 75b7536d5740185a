"""Where output goes: Rich pages for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys

import click
from rich.console import Console
from rich.text import Text

from mlbench.cli.text import plain

__all__ = ["Page", "name", "notes", "results", "write_json"]

PIPED_WIDTH = 120
"""Columns where the output goes into a file or a pipe and nothing says how many it has."""


class Page(Console):
    """A Rich console that prints markup of its own alone, and leaves a broken pipe to `group`."""

    def on_broken_pipe(self) -> None:
        """Pass it on: Rich would end the process with a status that means something else."""
        self.quiet = True
        raise BrokenPipeError


def results() -> Page:
    """Standard output, for what was asked for."""
    told = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Page(width=None if told else PIPED_WIDTH, highlight=False, emoji=False, markup=False)


def notes() -> Page:
    """Standard error, for progress and remarks."""
    return Page(stderr=True, highlight=False, emoji=False, markup=False)


def name(text: str, style: str = "") -> Text:
    """A name that somebody chose, as data: no markup, no control characters."""
    return Text(plain(text), style=style, overflow="fold")


def write_json(document: object) -> None:
    """One JSON document on standard output, in ASCII."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))
