"""RunBrowser: the runs and studies of a directory in a notebook, those that go on too."""

from __future__ import annotations

import time
from html import escape
from os import PathLike
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from ipywidgets import widget_serialization

from mlbench.errors import MlbenchError
from mlbench.run import Run, open_run
from mlbench.store.kind import is_study
from mlbench.study.study import Study, open_study
from mlbench.widgets.bundle import script, style
from mlbench.widgets.picture import plain_table
from mlbench.widgets.run_browser_compare import compared
from mlbench.widgets.run_browser_rows import Row, Rows
from mlbench.widgets.timeline import Timeline
from mlbench.widgets.timeline.follower import Follower

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunBrowser"]

EVERY_S = 1.0
ABSENT = "there is no directory {}: `mlbench run SPEC` makes it"
STILL_ROWS = 20
"""Rows of the table that stands in a saved notebook."""


class RunBrowser(anywidget.AnyWidget):
    """The runs and studies of a directory: filter, sort, compare, open as timeline or report.

    It reads run directories and nothing else, so it survives its kernel: execute the cell
    again and it has the run that still goes on.

    Parameters
    ----------
    directory
        Where the runs are, ``runs`` as for `mlbench run`; it may not be there yet.

    Examples
    --------
    ::

        browser = mb.RunBrowser()
        browser                     # choose two runs, then
        browser.selected            # [Run(...), Run(...)]
        browser.compare()           # a DataFrame with their ratios
        browser.open_timeline()     # the lanes of the first
    """

    _esm = script("runs")
    _css = style("runs")

    where = traitlets.Unicode().tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    filters = traitlets.Dict().tag(sync=True)
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    comparison = traitlets.Dict().tag(sync=True)
    report_page = traitlets.Bytes(b"").tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
    timeline = traitlets.Instance(Timeline, allow_none=True).tag(sync=True, **widget_serialization)

    def __init__(self, directory: str | PathLike[str] = "runs") -> None:
        self._lock = RLock()
        self._follower: Follower | None = None
        self.directory = Path(directory)
        self._rows = Rows(self.directory)
        super().__init__(where=str(directory))
        self._look()
        self.observe(self._do, ["asked"])
        self._follower = Follower(self._look, EVERY_S, f"mlbench-runs-{self.directory.name}")

    # -- what is asked of it -------------------------------------------------------------

    @property
    def selected(self) -> list[Run | Study]:
        """The runs and studies that are chosen, in the order in which they were."""
        return [_opened(self.directory / name) for name in self.chosen if self._has(name)]

    def _has(self, name: str) -> bool:
        """Whether there is such a run: names from the browser lead nowhere else."""
        return any(row["id"] == name and row["problem"] is None for row in self.rows)

    def compare(self) -> pd.DataFrame:
        """The headline metrics of the two that are chosen, with their ratios.

        Returns
        -------
        DataFrame
            As `mlbench.widgets.run_browser_compare.compared` has it.

        Raises
        ------
        MlbenchError
            If not two are chosen, or a run and a study are.
        """
        found = self.selected
        if len(found) != 2:
            raise MlbenchError(f"compare takes two, and {len(found)} are chosen")
        return compared(*found)

    def open_timeline(self) -> Timeline:
        """The timeline of the first chosen run, also below the list; the one before is closed.

        Raises
        ------
        MlbenchError
            If no run is chosen.
        """
        run = next((each for each in self.selected if isinstance(each, Run)), None)
        if run is None:
            raise MlbenchError(
                "no run is chosen; of a study: mb.Timeline(study.run(block, treatment))"
            )
        before, self.timeline = self.timeline, Timeline(run, picture=False)
        if before is not None:
            before.close()
        return self.timeline

    def report(self, path: str | PathLike[str] | None = None) -> Path:
        """Write the first chosen run or study as one HTML page, and return the file.

        Parameters
        ----------
        path
            The file; default ``ID.html``.

        Raises
        ------
        MlbenchError
            If none is chosen.
        """
        from mlbench.report import report

        found = self.selected
        if not found:
            raise MlbenchError("nothing is chosen: choose a run or a study in the list")
        return report(found[0], path if path is not None else f"{found[0].id}.html")

    def close(self) -> None:
        """Take it out of the page, with its timeline; its thread ends, the runs go on."""
        if self._follower is not None:
            self._follower.end()
        if self.timeline is not None:
            self.timeline.close()
        super().close()

    # -- the thread, and what the browser asks for ---------------------------------------

    def _look(self) -> bool:
        self._tell_whether_it_is_there()
        try:
            rows = self._rows.read()
        except (MlbenchError, OSError) as error:
            self._say(str(error))
            return True
        if rows != self.rows:
            self.rows = rows
        return True

    def _tell_whether_it_is_there(self) -> None:
        """Say that there is no such directory, until there is one."""
        absent = ABSENT.format(self.directory)
        if not self.directory.is_dir():
            self._say(absent)
        elif self.said == absent:
            self._say("")

    def _say(self, text: str) -> None:
        self.said = text

    def _do(self, change: Any) -> None:  # Any: a traitlets bunch
        """What a button asks for: ``{"what": ..., "number": ...}``, each number once."""
        acts = {
            "timeline": self.open_timeline,
            "close": self._close_timeline,
            "report": self._send_report,
            "compare": self._send_comparison,
        }
        act = acts.get(str(change["new"].get("what")))
        if act is None:
            return
        with self._lock:
            self._say("")
            try:
                act()
            except Exception as error:  # whatever it was, who pressed the button is to see it
                self._say(str(error) or type(error).__name__)

    def _close_timeline(self) -> None:
        before, self.timeline = self.timeline, None
        if before is not None:
            before.close()

    def _send_report(self) -> None:
        path = self.report()
        self.report_page = path.read_bytes()
        self._say(f"Written: {path}")

    def _send_comparison(self) -> None:
        table = self.compare()
        known = table.astype(object).where(table.notna(), None)
        names = list(self.chosen)
        rows = known.to_dict("records")
        self.comparison = {"names": names, "rows": rows, "at": time.time()}

    # -- where no widget can be ----------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> Any:  # Any: as IPython has it
        found = super()._repr_mimebundle_(**options)
        bundle = found[0] if isinstance(found, tuple) else found
        if bundle is not None:
            told = f"{len(self.rows)} runs" if self.directory.is_dir() else "no such directory"
            bundle["text/plain"] = f"RunBrowser({str(self.directory)!r}, {told})"
            bundle["text/html"] = self._still()
        return found

    def _still(self) -> str:
        """The list as HTML, or why it is empty."""
        if not self.rows:
            empty = "no runs in {}" if self.directory.is_dir() else ABSENT
            return f"<p>{escape(empty.format(self.directory))}</p>"
        cells = ([_cell(row, name) for name in COLUMNS] for row in self.rows[:STILL_ROWS])
        return plain_table(COLUMNS, cells)


COLUMNS = ("id", "kind", "name", "pipelines", "status", "verdict")


def _cell(row: Row, name: str) -> object:
    if name == "status" and row["problem"] is not None:
        return f"unreadable: {row['problem']}"
    value = row[name]
    return ", ".join(value) if isinstance(value, list) else value or "-"


def _opened(path: Path) -> Run | Study:
    return open_study(path) if is_study(path) else open_run(path)
