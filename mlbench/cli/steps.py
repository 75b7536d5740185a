"""What people see while a study is made: a line for each run, and one that lives below."""

from __future__ import annotations

import time
from types import TracebackType

from rich.live import Live
from rich.text import Text

from mlbench.cli.interrupts import Interrupts
from mlbench.cli.numbers import duration
from mlbench.cli.page import Page
from mlbench.cli.progress import STOPPING
from mlbench.cli.text import one_line, plain
from mlbench.collocation.watcher import Step, Watcher
from mlbench.run import Run

__all__ = ["Steps"]

DRAW_S = 1.0

VERDICT_STYLES = {"VALID": "green", "INVALID": "red"}


class Steps(Watcher):
    """Tells each run of a study on a page, and counts the interrupts of the person."""

    def __init__(self, page: Page, interrupts: Interrupts) -> None:
        self._page = page
        self._interrupts = interrupts
        self._live = Live(console=page, auto_refresh=False, transient=True)
        self._step: Step | None = None
        self._began_s = self._drawn_s = 0.0
        self._stopping = False

    def __enter__(self) -> Steps:
        if self._page.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._page.is_terminal:
            self._live.__exit__(kind, error, trace)

    def interrupts(self) -> int:
        """How often Ctrl-C was pressed."""
        if self._interrupts.count and not self._stopping:
            self._stopping = True
            self._page.print(Text(STOPPING, style="bold yellow"))
        return self._interrupts.count

    def began(self, step: Step) -> None:
        """Say what comes, where there is no line that lives."""
        self._step, self._began_s = step, time.monotonic()
        if not self._page.is_terminal:
            self._page.print(self._line(step, ""), soft_wrap=True)

    def going(self, step: Step, run: Run) -> None:
        """Draw the phase that its run is in; not often, because it is measured beside this."""
        if self._page.is_terminal and time.monotonic() - self._drawn_s >= DRAW_S:
            self._draw(step, run.status)

    def pause(self, seconds: float) -> None:
        """Wait, and say so."""
        if self._step is not None:
            self._draw(self._step, "pause")
        super().pause(seconds)

    def ended(self, step: Step) -> None:
        """Write the verdict of the run for good."""
        verdict = step.entry.verdict or ""
        line = Text(f"  {plain(step.text)}  ")
        line.append(verdict, style=VERDICT_STYLES.get(verdict, ""))
        self._page.print(line, soft_wrap=True)
        for reason in step.entry.reasons:
            self._page.print(Text(f"    - {plain(reason)}", style="dim"), soft_wrap=True)

    def remarked(self, text: str) -> None:
        """Write it, so that it is seen among the runs."""
        self._page.print(Text(f"  {plain(text)}", style="bold yellow"), soft_wrap=True)

    def _draw(self, step: Step, phase: str) -> None:
        if self._page.is_terminal:
            self._drawn_s = time.monotonic()
            self._live.update(self._line(step, phase), refresh=True)

    def _line(self, step: Step, phase: str) -> Text:
        """Which run it is, the phase that it is in, and how long all will take."""
        left_s = max(0.0, step.left_s - (time.monotonic() - self._began_s))
        parts = [one_line(step.text, 48), phase, f"run {step.number} of {step.runs}"]
        line = "  ".join(part for part in parts if part)
        left = f"about {duration(left_s)}" if step.known else f"{duration(left_s)} and setup"
        return Text(f"{line}, {left} left", no_wrap=True, overflow="ellipsis")
