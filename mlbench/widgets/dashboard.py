"""The dashboard: builder, run and stop, timeline and results of a benchmark, in one cell."""

from __future__ import annotations

import os
from collections.abc import Callable

import ipywidgets

from mlbench.errors import MlbenchError, SpecError
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.widgets.builder import Builder
from mlbench.widgets.dashboard_results import list_html, results_html
from mlbench.widgets.dashboard_work import RunWork, Work, going_work, start_study
from mlbench.widgets.run_browser import RunBrowser
from mlbench.widgets.timeline import Timeline
from mlbench.widgets.timeline.follower import Follower

__all__ = ["Dashboard"]

LOOK_S = 0.5
"""How often it looks how far a run or a study is."""

ONCE = "All pipelines together, once"
BLOCKS = "Each pipeline alone and all together, in blocks"
END = "End what is going on; what it has measured stays"


class Dashboard(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A benchmark as a graph to edit, with what it takes to run it and to see what came of it.

    `Run` runs all pipelines together, once; `Study` each alone and all together, in blocks,
    as ``mlbench collocate`` does. Both happen in processes of their own, so the kernel stays
    free, and they go on when it is restarted: the cell, executed again, finds them. Mistakes
    in the benchmark are listed, and nothing is started.

    Parameters
    ----------
    bench
        What the builder begins with.
    out
        Directory that gets the directories of runs and studies.

    Attributes
    ----------
    builder, timeline, browser
        The widgets that it is made of; no timeline until there is a run.
    """

    def __init__(self, bench: Benchmark, out: str | os.PathLike[str] = "runs") -> None:
        self.out = os.fspath(out)
        self.builder = Builder(bench)
        self.browser = RunBrowser(self.out)
        self.timeline: Timeline | None = None
        self._work: Work | None = None
        self._follower: Follower | None = None
        self._run = self._button("Run", "play", ONCE, self._start_run)
        self._study = self._button("Study", "th", BLOCKS, self._start_study)
        self._stop = self._button("Stop", "stop", END, self._end)
        self._status = ipywidgets.Label()
        self._message = ipywidgets.HTML()
        self._live = ipywidgets.VBox()
        self._results = ipywidgets.HTML()
        for html in (self._message, self._results):
            html.add_class("jp-RenderedHTMLCommon")  # tables look as those of pandas do
        controls = ipywidgets.HBox([self._run, self._study, self._stop, self._status])
        parts = [self.builder, controls, self._message, self._live, self._results, self.browser]
        super().__init__(parts)
        self._ready()
        if (going := going_work(self.out, bench.name)) is not None:
            self._follow(going)

    @property
    def bench(self) -> Benchmark:
        """The benchmark as it stands in the builder.

        Raises
        ------
        SpecError
            If it cannot run here, with every problem.
        """
        found = self.builder.bench
        if not isinstance(found, Benchmark):
            raise SpecError(found)
        return found

    @property
    def run(self) -> Run | None:
        """The run that goes on, or the last one; null before there is one."""
        return self._work.run if isinstance(self._work, RunWork) else None

    def close(self) -> None:
        """Take it off the page; what goes on in other processes goes on."""
        if not hasattr(self, "_follower"):  # it could not be made
            return
        if self._follower is not None:
            self._follower.end()
        for part in (self.builder, self.browser, self.timeline):
            if part is not None:
                part.close()
        super().close()

    # -- what the buttons do -------------------------------------------------------------

    def _button(
        self, text: str, icon: str, tooltip: str, action: Callable[[], None]
    ) -> ipywidgets.Button:
        button = ipywidgets.Button(description=text, icon=icon, tooltip=tooltip)
        button.on_click(lambda _: self._attempt(action))
        return button

    def _start_run(self) -> None:
        self._follow(RunWork(start(self.bench, self.out)))

    def _start_study(self) -> None:
        self._follow(start_study(self.bench, self.out))

    def _end(self) -> None:
        if self._work is not None:
            self._status.value = "stopping"
            self._work.stop()

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do it; a mistake of the user is shown, and nothing has been started."""
        self._message.value = ""
        try:
            action()
        except SpecError as error:
            self._message.value = list_html("Not started:", map(str, error.problems))
        except MlbenchError as error:
            self._message.value = list_html("Not started:", str(error).splitlines())

    # -- what goes on --------------------------------------------------------------------

    def _ready(self) -> None:
        """The buttons as they are while nothing goes on."""
        self._run.disabled = self._study.disabled = False
        self._stop.disabled = True

    def _follow(self, work: Work) -> None:
        self._work = work
        self._run.disabled = self._study.disabled = True
        self._stop.disabled = False
        self._results.value = ""
        if isinstance(work, RunWork):
            self._show_timeline(work.run)
        self._follower = Follower(self._look, LOOK_S, "mlbench-dashboard")

    def _show_timeline(self, run: Run) -> None:
        if self.timeline is not None:
            self.timeline.close()
        self.timeline = Timeline(run)
        self._live.children = [self.timeline]

    def _look(self) -> bool:
        """In a thread: say how far it is; when it has ended, what it says. Whether to go on."""
        work = self._work
        assert work is not None
        try:
            going = work.is_going
            self._status.value = work.progress()
            if not going:
                self._show_results(work)
        except Exception as error:  # whatever it meets: nobody else would tell the user
            self._message.value = list_html("Cannot be followed:", [f"{error!r}"])
            going = False
        if not going:
            self._ready()
        return going

    def _show_results(self, work: Work) -> None:
        if said := work.failure():
            self._message.value = list_html("It failed:", said.splitlines())
        self._results.value = results_html(work.sources())
