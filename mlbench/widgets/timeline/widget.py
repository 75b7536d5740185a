"""Timeline: the lanes of a run in a notebook, live, with what was brushed as tables."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from threading import RLock
from typing import Any

import anywidget
import traitlets

from mlbench.errors import MlbenchError, nearest
from mlbench.run import Run, open_run
from mlbench.widgets.bundle import script, style
from mlbench.widgets.picture import facts_table, still
from mlbench.widgets.timeline.camera import Camera, View
from mlbench.widgets.timeline.follower import Follower
from mlbench.widgets.timeline.layout import layout_of, shown_of
from mlbench.widgets.timeline.marks import judged, marks_of
from mlbench.widgets.timeline.selection import Selection
from mlbench.widgets.timeline.trace import Trace

__all__ = ["Timeline"]

EVERY_S = 0.08
"""How often it looks for news: 12 times a second; the engine writes 4 times a second."""

WORK_EVERY = 2
"""What the stages did is sent after every so many looks."""


class Timeline(anywidget.AnyWidget):
    """What the machine did and what the stages did, on one axis of time, live.

    It shows a run while it goes on and ever after; a recording of `mlbench monitor` too. It
    reads the run directory in a thread of the kernel, so it goes on while a cell is busy. A
    lane is one metric, with the least and the greatest value of each bin as a shade.

    Parameters
    ----------
    run
        A run, or the directory of one; of a study, ``study.run(block, treatment)``.
    lanes
        Names of the metrics that are shown first; default those of the GPU, the processors and
        the memory that there are. ``timeline.lanes`` may be set later, too.
    picture
        Whether a saved notebook holds a picture of a run that has ended, beside the widget.

    Raises
    ------
    NotARunError
        If there is no run, or it cannot be read.
    MlbenchError
        If a metric of ``lanes`` is not of the run.

    Examples
    --------
    ::

        timeline = mb.Timeline(run)
        timeline                        # brush a stretch, then
        timeline.selection.stages()     # what the stages did in it
        timeline.selection.metrics()    # and the machine
    """

    _esm = script("timeline")
    _css = style("timeline")

    scene = traitlets.Dict().tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)
    tail = traitlets.Bytes(b"").tag(sync=True)
    work = traitlets.Bytes(b"").tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    lanes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    brushed = traitlets.List(traitlets.Float()).tag(sync=True)
    stop_asked = traitlets.Bool(False).tag(sync=True)
    stop_heard = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        run: Run | str | PathLike[str],
        *,
        lanes: Sequence[str] | None = None,
        picture: bool = True,
    ) -> None:
        self._lock = RLock()
        self._follower: Follower | None = None
        self.run = run if isinstance(run, Run) else open_run(run)
        self._picture = picture
        self._trace = Trace(self.run)
        self._camera = Camera(self._trace)
        self._chosen = lanes is not None
        self._looks, self._tracks = 0, -1
        self._verdict: tuple[str | None, tuple[str, ...]] | None = None
        super().__init__(lanes=_known(lanes, self.run))
        self.observe(self._asked, ["view", "lanes"])
        self.observe(self._stop, ["stop_asked"])
        if self._look():
            self._follower = Follower(self._look, EVERY_S, f"mlbench-timeline-{self.run.id}")

    # -- what is asked of it -------------------------------------------------------------

    @property
    def selection(self) -> Selection | None:
        """The stretch that was brushed, with its tables; null where nothing is."""
        if len(self.brushed) != 2:
            return None
        start, end = sorted(self.brushed)
        return Selection(self.run, start, end, self._trace.zero_ns)

    def select(self, start: float, end: float) -> Selection:
        """Brush a stretch, s after the barrier, and return it."""
        low, high = sorted((float(start), float(end)))
        self.brushed = [low, high]
        return Selection(self.run, low, high, self._trace.zero_ns)

    def zoom(self, start: float, end: float) -> None:
        """Show a stretch, s after the barrier; the live edge is left alone."""
        low, high = sorted((float(start), float(end)))
        seconds = high - low or 1.0
        self.view = {**self.view, "follow": False, "start": low, "seconds": seconds}

    def close(self) -> None:
        """Take it out of the page; its thread ends, the run goes on."""
        if self._follower is not None:
            self._follower.end()
        super().close()

    # -- the thread ----------------------------------------------------------------------

    def _look(self) -> bool:
        """Read what is new and send what changed; whether there may be more."""
        with self._lock:
            told, came = self._trace.look()
            if told or self._tracks != len(self._trace.tracks) or self._looks % 12 == 0:
                self._tell()
            if came and not self._trace.is_going:
                self._camera.forget()
            if told or came or not self.frame:
                self._frames()
            self._looks += 1
            return came or self._trace.is_going

    def _tell(self) -> None:
        trace = self._trace
        self._tracks = len(trace.tracks)
        if not trace.is_going and self._verdict is None:
            self._verdict = judged(self.run)
        verdict, reasons = self._verdict or (None, ())
        scene = layout_of(trace, verdict, marks_of(trace.manifest, verdict, reasons))
        if not self._chosen:
            shown = shown_of(scene["lanes"])
            if shown != self.lanes:
                self.set_trait("lanes", shown)
        self.scene = scene

    def _frames(self) -> None:
        view = View.of(self.view, self._trace.is_going)
        rows = [(p["name"], row["code"]) for p in self.scene["pipelines"] for row in p["rows"]]
        whole, tail = self._camera.samples(view, self._shown_series())
        with self.hold_sync():
            if whole is not None:
                self.frame = whole
            self.tail = tail
            if whole is not None or self._looks % WORK_EVERY == 0 or not self._trace.is_going:
                self.work = self._camera.work(view, rows)

    def _shown_series(self) -> list[int]:
        lanes = {lane["metric"]: lane for lane in self.scene["lanes"]}
        shown = [lanes[name] for name in self.lanes if name in lanes]
        return [series["id"] for lane in shown for series in lane["series"]]

    def _asked(self, change: Any) -> None:  # Any: a traitlets bunch
        """The window moved, or a lane came or went: what lies in it is sent."""
        with self._lock:
            if not self.scene:
                return
            if change["name"] == "lanes" and change["new"] != shown_of(self.scene["lanes"]):
                self._chosen = True
            self._frames()

    def _stop(self, _change: object) -> None:
        if self.stop_asked and not self.stop_heard and self._trace.is_going:
            self.run.stop()
            self.stop_heard = True

    # -- where no widget can be ----------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> Any:  # Any: as IPython has it
        found = super()._repr_mimebundle_(**options)
        bundle = found[0] if isinstance(found, tuple) else found
        if bundle is None:
            return found
        bundle["text/plain"] = f"Timeline({self.run!r})"
        bundle["text/html"] = facts_table(f"Timeline of {self.run.id}", self._facts())
        if self._picture and not self._trace.is_going and (png := still(self._figure)):
            bundle["image/png"] = png
            # exporters prefer HTML: what it lacks is not seen
            bundle["text/html"] += f"<img alt='' src='data:image/png;base64,{png}'>"
        return found

    def _facts(self) -> dict[str, object]:
        scene = self.scene
        shown = [f"{lane['title']} ({lane['unit']})" for lane in scene["lanes"]]
        return {
            "run": scene["id"],
            "benchmark": scene["name"],
            "status": scene["status"],
            "verdict": scene["verdict"] or "-",
            "pipelines": ", ".join(each["name"] for each in scene["pipelines"]) or "none",
            "metrics": ", ".join(shown) or "none",
        }

    def _figure(self) -> Any:  # Any: a chart
        from mlbench import figures

        return figures.timeline(self.run)


def _known(lanes: Sequence[str] | None, run: Run) -> list[str]:
    """The lanes that were asked for, if the run can have them.

    Raises
    ------
    MlbenchError
        If it cannot; the message names the nearest.
    """
    names = [str(metric["name"]) for metric in run.manifest.get("metrics") or ()]
    for name in lanes or ():
        if names and name not in names:
            raise MlbenchError(f"no metric {name!r} in {run.id} ({nearest(name, names)})")
    return list(lanes or ())
