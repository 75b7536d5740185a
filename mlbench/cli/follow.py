"""Follows a run to its end; Ctrl-C asks it to stop, and a second one ends it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from mlbench.cli.page import notes
from mlbench.cli.progress import Bars, Lines, Moment, Progress
from mlbench.cli.stderr import last_note
from mlbench.cli.tally import Tallies
from mlbench.errors import EngineError

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Interrupts", "follow"]

TICK_S = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Counts interrupts from before a run starts until it has ended, and passes them on.

    A signal that whoever started this process had it ignore stays ignored.
    """

    def __init__(self) -> None:
        self.count = 0
        self._run: Run | None = None
        self._before: dict[signal.Signals, Any] = {}  # Any: what `signal.signal` takes back

    def __enter__(self) -> Interrupts:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def watch(self, run: Run) -> None:
        """Pass them on to this run from now on, and those that came already."""
        self._run = run
        self._pass_on()

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (a handler)
        self.count += 1
        self._pass_on()

    def _pass_on(self) -> None:
        if self._run is None or not self.count:
            return
        if self.count == 1:
            with suppress(OSError):  # a full disk: the second one needs none
                self._run.stop()
        else:
            self._run.kill()


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
