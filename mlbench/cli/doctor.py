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
  mlbench doctor --observer               about a minute: what does sampling do?
\b
Exit status:
  0  this machine can measure, if perhaps with noise
  1  it cannot measure at all; the row says what is missing
""",
)
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where runs would go."
)
@click.option("--observer", is_flag=True, help="Also run a pipeline with and without the sampler.")
@click.option("--json", "as_json", is_flag=True, help="Print {ok, findings} as one JSON document.")
def command(out: str, observer: bool, as_json: bool) -> None:
    """Say what this machine is, what makes measurements on it noisy, and what to type.

    It watches the other processes for half a second first, so run it as you would measure:
    with nothing else going on. With --observer, a pipeline that keeps all processors busy
    runs without a sampler, at 10 Hz and at 100 Hz, in blocks, and the slowdown is shown; the
    document of --json then has it as `observer`.
    """
    from mlbench.cli.observer import measure, show
    from mlbench.cli.page import notes, write_json
    from mlbench.machine.doctor import diagnose

    with notes().status("looking at this machine"):
        findings = diagnose(Path(out))
    able = not any(f.status == "missing" and f.subject in PREVENTING for f in findings)
    effects = measure() if observer and able else []
    if as_json:
        document = {"ok": able, "findings": [asdict(finding) for finding in findings]}
        more = {"observer": [effect.to_dict() for effect in effects]} if effects else {}
        write_json(document | more)
    else:
        _print(findings)
        if effects:
            show(effects)
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
