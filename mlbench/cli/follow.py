"""Follows a run to its end, and shows how it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlbench.cli.interrupts import Interrupts
from mlbench.cli.page import Page, notes
from mlbench.cli.progress import Lines, Moment, Progress
from mlbench.cli.stderr import last_note
from mlbench.errors import EngineError
from mlbench.imports import gently, importing

if TYPE_CHECKING:
    from mlbench.cli.tally import Tally
    from mlbench.run import Run

__all__ = ["follow"]

TICK_S = 0.2

Counted = Callable[[Mapping[str, Any]], "Mapping[str, Tally]"]
"""Of the manifest of a run the tallies of its pipelines, by name; Any: JSON."""


def follow(run: Run, interrupts: Interrupts) -> None:
    """Show the progress of a run until it has ended.

    Raises
    ------
    EngineError
        If the engine ended before the run began, and nobody asked it to.
    """
    page = notes()
    page.print(f"{run.path}", soft_wrap=True, style="dim")
    shown, counted = _shown(run, page)
    stops, grace_s = run.bench.stop_rules(run.request.names), run.bench.timeouts.grace
    with shown:
        while not _ended(run, interrupts):
            manifest = run.manifest
            stopping, said = interrupts.count > 0, _notes(run, manifest)
            shown.show(Moment(manifest, counted(manifest), stops, stopping, said, grace_s))
        manifest = run.manifest
        shown.show(Moment(manifest, counted(manifest), stops, interrupts.count > 0))


def _shown(run: Run, page: Page) -> tuple[Progress, Counted]:
    """What shows the progress, and what counts queries for it: nothing where no terminal is.

    What only a terminal needs is imported gently, while the pipelines are being opened.
    """
    if not page.is_terminal:
        return Lines(page), lambda _: {}
    with importing():
        gently(lambda: import_module("mlbench.cli.bars"))
    from mlbench.cli.bars import Bars
    from mlbench.cli.tally import Tallies

    return Bars(page), Tallies(run).update


def _notes(run: Run, manifest: Mapping[str, Any]) -> dict[str, str]:  # Any: JSON
    """What the pipelines that are still being opened say that they do, by name."""
    if manifest["status"] != "setup":
        return {}
    entries = manifest["pipelines"].items()
    said = {key: last_note(run.path / "pipelines" / entry["folder"]) for key, entry in entries}
    return {key: note for key, note in said.items() if note is not None}


def _ended(run: Run, interrupts: Interrupts) -> bool:
    """Wait one tick; whether the run ended in it."""
    try:
        run.wait(TICK_S)
    except TimeoutError:
        return False
    except EngineError:
        if not interrupts.count:
            raise
    return True
