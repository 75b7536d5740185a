"""A run browser in Python: what it lists, what is chosen, and what becomes of it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from widget_runs import bench, finished

from mlbench.errors import MlbenchError
from mlbench.run import Run, start
from mlbench.widgets.run_browser import RunBrowser
from mlbench.widgets.run_browser_rows import Rows

WAIT_S = 60


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("mlbench-")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two runs that have ended, and a folder that is none."""
    folder = tmp_path_factory.mktemp("runs")
    run = finished(folder, 1.0)
    shutil.copytree(run.path, folder / "other")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def browser(recorded: Path) -> Iterator[RunBrowser]:
    made = RunBrowser(recorded)
    yield made
    made.close()
    assert threads() == []


def choose(browser: RunBrowser, *names: str) -> None:
    browser.chosen = list(names)


def readable(browser: RunBrowser) -> list[str]:
    return [row["id"] for row in browser.rows if row["problem"] is None]


def test_it_lists_what_there_is_and_says_what_cannot_be_read(browser: RunBrowser) -> None:
    rows = {row["id"]: row for row in browser.rows}
    assert len(rows) == 3
    assert "no run" in rows["empty"]["problem"]
    assert rows["other"]["verdict"] == "VALID"
    assert rows["other"]["pipelines"] == ["search", "train <i>"]


def test_what_has_ended_is_read_once(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(recorded)
    first = rows.read()
    monkeypatch.setattr("mlbench.study.listing.verdict", lambda _: pytest.fail("read again"))
    assert rows.read() == first


def test_a_directory_that_is_not_there_yet_is_said_to_be_absent(tmp_path: Path) -> None:
    later = tmp_path / "later"
    browser = RunBrowser(later)
    absent = f"there is no directory {later}: `mlbench run SPEC` makes it"
    bundle, _ = browser._repr_mimebundle_()
    assert (browser.rows, browser.said) == ([], absent)
    assert bundle["text/plain"] == f"RunBrowser({str(later)!r}, no such directory)"
    assert bundle["text/html"] == f"<p>{absent}</p>"
    later.mkdir()
    browser._look()
    bundle, _ = browser._repr_mimebundle_()
    assert browser.said == ""
    assert bundle["text/html"] == f"<p>no runs in {later}</p>"
    browser.close()


def test_a_live_run_says_how_far_it_has_come(tmp_path: Path) -> None:
    run = start(bench(20), tmp_path)
    rows, end_s = Rows(tmp_path), time.monotonic() + WAIT_S
    while not (row := rows.read()[0])["told"]:
        assert time.monotonic() < end_s
        time.sleep(0.05)
    assert row["going"]
    assert 0 <= row["progress"] <= 1
    assert row["told"].endswith(" of 20 s")
    run.stop()
    run.wait(WAIT_S)
    assert not rows.read()[0]["going"]


def test_the_chosen_are_runs_in_the_order_of_choice(browser: RunBrowser) -> None:
    first, second = readable(browser)
    choose(browser, second, first)
    assert [each.id for each in browser.selected] == [second, first]
    assert all(isinstance(each, Run) for each in browser.selected)


def test_a_name_that_is_not_in_the_list_leads_nowhere(browser: RunBrowser) -> None:
    choose(browser, "../../etc", "empty", "/tmp")
    assert browser.selected == []


def test_two_runs_are_compared_by_their_headline_metrics(browser: RunBrowser) -> None:
    choose(browser, *readable(browser))
    table = browser.compare().set_index(["pipeline", "metric"])
    row = table.loc[("train <i>", "latency p50")]
    assert row["unit"] == "ms"
    assert row["first"] == row["second"] > 10
    assert row["ratio"] == 1
    choose(browser, "other")
    with pytest.raises(MlbenchError, match="compare takes two, and 1 are chosen"):
        browser.compare()


def test_what_a_button_asks_for_is_done_or_said(browser: RunBrowser) -> None:
    browser.asked = {"what": "timeline", "number": 1}
    assert "no run is chosen" in browser.said
    choose(browser, "other")
    browser.asked = {"what": "timeline", "number": 2}
    assert browser.timeline is not None
    assert browser.timeline.run.id == "other"
    browser.asked = {"what": "close", "number": 3}
    assert browser.timeline is None


def test_a_saved_notebook_has_the_list(browser: RunBrowser) -> None:
    bundle, _ = browser._repr_mimebundle_()
    assert "other" in bundle["text/html"]
    assert "two &lt;b&gt;pipelines" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert bundle["text/plain"].endswith("3 runs)")
