"""Follows a run to its end, and shows how it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlbench.cli.interrupts import Interrupts
from mlbench.cli.page import notes
from mlbench.cli.progress import Bars, Lines, Moment, Progress
from mlbench.cli.stderr import last_note
from mlbench.cli.tally import Tallies
from mlbench.errors import EngineError

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["follow"]

TICK_S = 0.2


def follow(run: Run, interrupts: Interrupts) -> None:
    """Show the progress of a run until it has ended.

    Raises
    ------
    EngineError
        If the engine ended before the run began, and nobody asked it to.
    """
    page = notes()
    page.print(f"{run.path}", soft_wrap=True, style="dim")
    shown: Progress = Bars(page) if page.is_terminal else Lines(page)
    tallies, stops = Tallies(run), run.bench.stop_rules(run.request.names)
    grace_s = run.bench.timeouts.grace
    with shown:
        while not _ended(run, interrupts):
            manifest = run.manifest
            tallies.update(manifest)
            stopping, said = interrupts.count > 0, _notes(run, manifest)
            shown.show(Moment(manifest, tallies.of, stops, stopping, said, grace_s))
        manifest = run.manifest
        tallies.update(manifest)
        shown.show(Moment(manifest, tallies.of, stops, interrupts.count > 0))


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
