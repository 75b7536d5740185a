"""How far a sweep is, in a notebook: a bar and a line, read from its directory."""

from __future__ import annotations

from html import escape
from os import PathLike
from threading import Event, Thread
from typing import Any

from mlbench.sweep.opened import Sweep
from mlbench.sweep.state import PLANNED, RUNNING

__all__ = ["SweepProgress"]

PERIOD_S = 1.0

STYLES = {"done": "success", "stopped": "warning"}


class SweepProgress:
    """A bar that follows a sweep until it has ended; the last expression of a cell shows it.

    Parameters
    ----------
    sweep
        A sweep, or its directory.
    period_s
        How often the directory is read, seconds; 0 for `update` alone.

    Raises
    ------
    NotARunError
        If there is no sweep.
    """

    def __init__(self, sweep: Sweep | str | PathLike[str], period_s: float = PERIOD_S) -> None:
        import ipywidgets

        self.sweep = sweep if isinstance(sweep, Sweep) else Sweep(sweep)
        manifest, wide = self.sweep.manifest, ipywidgets.Layout(width="100%")
        count, title = len(manifest.points), manifest.title
        self._bar = ipywidgets.IntProgress(max=count, description=title, layout=wide)
        self._text = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self._bar, self._text])
        self._closed = Event()
        self.update()
        if period_s > 0:
            Thread(target=self._follow, args=(period_s,), daemon=True).start()

    def update(self) -> str:
        """Read the directory and show how the points stand; returns the sweep's status."""
        counts, status, left = self.sweep.counts(), self.sweep.status, self.sweep.left
        finished = self._bar.max - left
        self._bar.value, self._bar.bar_style = finished, STYLES.get(status, "info")
        shown = [f"{count} {name}" for name, count in counts.items() if count and name != PLANNED]
        waiting = f"{left - counts[RUNNING]} waiting" if left > counts[RUNNING] else ""
        told = ", ".join(part for part in (*shown, waiting) if part)
        self._text.value = f"<code>{escape(status)}: {escape(told)}</code>"
        return status

    def close(self) -> None:
        """Stop following, and take it away."""
        self._closed.set()
        self.box.close()

    def _follow(self, period_s: float) -> None:
        while not self._closed.wait(period_s):
            if self.update() == "done":
                return

    def _repr_mimebundle_(self, **options: Any) -> Any:  # Any: what ipywidgets gives Jupyter
        return self.box._repr_mimebundle_(**options)
