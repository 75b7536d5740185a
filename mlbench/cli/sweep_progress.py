"""What people see while a sweep is executed: a line for each point, and one that lives below."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from rich.live import Live
from rich.text import Text

from mlbench.cli.interrupts import Interrupts
from mlbench.cli.numbers import duration
from mlbench.cli.page import Page
from mlbench.cli.text import one_line, plain
from mlbench.sweep.layout import Point, block_note, read_plan
from mlbench.sweep.state import (
    CONTAMINATED,
    FINISHED,
    PLANNED,
    RUNNING,
    PointState,
    is_finished,
    states,
)

__all__ = ["STYLES", "Points"]

LOOK_S = 0.5
SLOWER = 20
"""Of the time, reading the directory takes a twentieth at most."""

STYLES = {"done": "green", "failed": "red", "timed-out": "red", "contaminated": "yellow"}
STOPPING = "stopping; once more to end at once"


class Points:
    """Reads the directory of a sweep, tells each point that has ended, and counts interrupts."""

    def __init__(self, directory: Path, page: Page, interrupts: Interrupts) -> None:
        self._directory, self._page, self._interrupts = directory, page, interrupts
        self._manifest = read_plan(directory)
        self._points = {point.id: point for point in self._manifest.points}
        self._live = Live(console=page, auto_refresh=False, transient=True)
        self._seen = states(directory, self._points)
        self._before = self._finished(self._seen)
        self._began_s, self._next_s = time.monotonic(), 0.0
        self._stopping, self._noted = False, ""

    def __enter__(self) -> Points:
        for name, state in self._seen.items():
            if state.status == PLANNED and state.error is not None:  # why it is executed again
                told = f"{name}: {state.error.get('message')}"
                self._page.print(Text(f"  {one_line(told, 200)}", style="yellow"), soft_wrap=True)
        if self._page.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._next_s = 0.0
        self.look()
        if self._page.is_terminal:
            self._live.__exit__(kind, error, trace)

    def look(self) -> int:
        """Tell what is new, and how often the end was asked for."""
        begin_s = time.monotonic()
        if begin_s >= self._next_s:
            self._tell(states(self._directory, self._points))
            took_s = time.monotonic() - begin_s
            self._next_s = begin_s + max(LOOK_S, SLOWER * took_s)
        if self._interrupts.count and not self._stopping:
            self._stopping = True
            self._page.print(Text(STOPPING, style="bold yellow"))
        return self._interrupts.count

    def _finished(self, found: dict[str, PointState]) -> int:
        attempts = self._manifest.plan.contamination.attempts
        return sum(is_finished(state, attempts) for state in found.values())

    def _tell(self, found: dict[str, PointState]) -> None:
        for name, state in found.items():
            before = self._seen[name]
            ended = state.status in FINISHED | {CONTAMINATED}
            if ended and (state.status, state.attempts) != (before.status, before.attempts):
                self._ended(self._points[name], state)
        self._seen = found
        self._note(found)
        if self._page.is_terminal:
            self._live.update(self._line(found), refresh=True)

    def _ended(self, point: Point, state: PointState) -> None:
        line = Text(f"  {one_line(_named(point), 72)}  ")
        line.append(state.status, style=STYLES.get(state.status, ""))
        if state.seconds is not None:
            line.append(f"  {duration(state.seconds)}", style="dim")
        self._page.print(line, soft_wrap=True)
        error = state.error or {}
        told = f"{error.get('kind')}: {error.get('message')}" if error else " ".join(state.reasons)
        if told:
            self._page.print(Text(f"    - {one_line(told, 200)}", style="dim"), soft_wrap=True)

    def _note(self, found: dict[str, PointState]) -> None:
        """Whom a block waits for, once."""
        attempts = self._manifest.plan.contamination.attempts
        block = next(
            (p.block for n, p in self._points.items() if not is_finished(found[n], attempts)), None
        )
        note = "" if block is None else _text(block_note(self._directory, block))
        if note and note != self._noted:
            self._page.print(Text(f"  {plain(note)}", style="yellow"), soft_wrap=True)
        self._noted = note

    def _line(self, found: dict[str, PointState]) -> Text:
        """Which point runs, how many are finished, and how long all will take."""
        running = [self._points[n] for n, state in found.items() if state.status == RUNNING]
        counts = Counter(state.status for state in found.values())
        finished, every = self._finished(found), len(found)
        parts = [one_line(_named(running[0]), 48)] if running else [one_line(self._noted, 72)]
        parts.append(f"{finished} of {every} points")
        parts += [f"{counts[name]} {name}" for name in STYLES if name != "done" and counts[name]]
        made, elapsed_s = finished - self._before, time.monotonic() - self._began_s
        if made:
            parts.append(f"about {duration(elapsed_s / made * (every - finished))} left")
        return Text("  ".join(filter(None, parts)), no_wrap=True, overflow="ellipsis")


def _named(point: Point) -> str:
    values = ", ".join(f"{name}={value}" for name, value in point.parameters.items())
    return f"repeat {point.repeat + 1}: {values}" if values else f"repeat {point.repeat + 1}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
