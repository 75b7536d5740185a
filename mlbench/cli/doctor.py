"""``mlbench doctor``: what on this machine matters to a measurement."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlbench.cli.status import FAILED, OK

if TYPE_CHECKING:
    from mlbench.machine.finding import Finding

__all__ = ["command"]

PREVENTING = frozenset({"machine", "pinning"})
"""Subjects without which nothing can be measured at all; without others, some things cannot."""


@click.command(
    "doctor",
    epilog="""
\b
Examples:
  mlbench doctor
  mlbench doctor --json | jq -r '.findings[] | select(.status == "warn").fix'
\b
Exit status:
  0  this machine can measure, if perhaps with noise
  1  it cannot measure at all; the row says what is missing
""",
)
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where runs would go."
)
@click.option("--json", "as_json", is_flag=True, help="Print {ok, findings} as one JSON document.")
def command(out: str, as_json: bool) -> None:
    """Say what this machine is, what makes measurements on it noisy, and what to type.

    It watches the other processes for half a second first, so run it as you would measure:
    with nothing else going on.
    """
    from mlbench.cli.page import notes, write_json
    from mlbench.machine.doctor import diagnose

    with notes().status("looking at this machine"):
        findings = diagnose(Path(out))
    able = not any(f.status == "missing" and f.subject in PREVENTING for f in findings)
    if as_json:
        write_json({"ok": able, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    sys.exit(OK if able else FAILED)


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from mlbench.cli.page import results
    from mlbench.cli.text import plain

    styles = {"ok": "green", "note": "cyan", "warn": "yellow", "missing": "bold red"}
    grid = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        text = Text(plain(finding.text), overflow="fold")
        if finding.fix:
            text.append(f"\n▸ {plain(finding.fix)}", style="bold")
        status = Text(finding.status, style=styles[finding.status])
        grid.add_row(status, Text(plain(finding.subject), style="bold"), text)
    results().print(grid)
