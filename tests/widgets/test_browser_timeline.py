"""A timeline in a real JupyterLab: live while a cell is busy, stopped, zoomed, brushed, dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Lab, Notebook
from playwright.sync_api import Locator, expect
from widget_runs import BENCH, finished

SHOW = "timeline = mb.Timeline({path!r}, picture=False)\ntimeline"
LIVE = "run = mb.start(bench(60, 'live'), {path!r})\ntimeline = mb.Timeline(run)\ntimeline"
BUSY = "while True: pass"
WAIT = "import threading\nthreading.Event().wait({seconds})"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("runs"), 3.0).path


def shown(notebook: Notebook, index: int) -> Locator:
    """The timeline in a cell's output, with its lanes."""
    timeline = notebook.output(index).locator(".mlt")
    expect(timeline.locator(".mlt-lane canvas").first).to_be_visible()
    return timeline


def edge(timeline: Locator) -> float:
    return float(timeline.get_attribute("data-edge") or 0)


def grows(notebook: Notebook, timeline: Locator, seconds: float) -> None:
    """Wait until what is drawn has come further by that much."""
    wanted = edge(timeline) + seconds
    handle = timeline.element_handle()
    notebook.page.wait_for_function(
        "([timeline, wanted]) => Number(timeline.dataset.edge) > wanted", arg=[handle, wanted]
    )


def drag(notebook: Notebook, timeline: Locator, begin: float, end: float) -> None:
    """Drag over the lanes, from one share of their width to another."""
    box = timeline.locator(".mlt-surface").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    mouse = notebook.page.mouse
    mouse.move(box["x"] + begin * box["width"], height)
    mouse.down()
    mouse.move(box["x"] + (begin + end) / 2 * box["width"], height)
    mouse.move(box["x"] + end * box["width"], height)
    mouse.up()


def test_a_live_run_goes_on_while_a_cell_computes_and_stops_from_its_button(
    lab: Lab, tmp_path: Path
) -> None:
    notebook = lab.open(
        BENCH + LIVE.format(path=str(tmp_path)),
        BUSY,
        WAIT.format(seconds=6),
        "run.wait(30).status",
    )
    notebook.run(0)
    timeline = shown(notebook, 0)
    notebook.until("timeline.view")  # the page has spoken once: from now on a subshell answers
    notebook.start(1)
    grows(notebook, timeline, 1.5)
    assert notebook.is_running(1)
    notebook.screenshot("timeline-live", timeline)
    notebook.interrupt_kernel()
    notebook.until_ended(1)
    notebook.start(2)
    timeline.locator(".mlt-stop").click()
    expect(timeline.locator(".mlt-status-stopped")).to_be_visible()
    assert notebook.run(3) == "'stopped'"
    expect(timeline.locator(".mlt-mark-bad")).to_be_visible()
    notebook.until("not timeline._follower.is_going")


def test_what_is_brushed_comes_back_as_tables(lab: Lab, ended: Path) -> None:
    read = "chosen = timeline.selection\nprint(round(chosen.seconds, 1), len(chosen.queries()) > 0)"
    notebook = lab.open("import mlbench as mb\n" + SHOW.format(path=str(ended)), read)
    notebook.run(0)
    timeline = shown(notebook, 0)
    drag(notebook, timeline, 0.4, 0.7)
    expect(timeline.locator(".mlt-brush")).to_be_visible()
    expect(timeline.locator(".mlt-told")).to_contain_text("timeline.selection")
    notebook.until("timeline.selection is not None")
    seconds, has_queries = notebook.run(1).split()
    assert 0.5 < float(seconds) < 2
    assert has_queries == "True"
    notebook.screenshot("timeline-brushed", timeline)
    timeline.get_by_role("button", name="Clear").click()
    notebook.until("timeline.selection is None")


def test_a_zoom_brings_single_spans_and_keys_stay_inside(lab: Lab, ended: Path) -> None:
    notebook = lab.open("import mlbench as mb\n" + SHOW.format(path=str(ended)))
    notebook.run(0)
    timeline = shown(notebook, 0)
    notebook.until("timeline.view")
    before = notebook.python("timeline.view.get('seconds')")
    drag(notebook, timeline, 0.5, 0.5)  # a click: the keys are the timeline's
    for key in ("+", "+", "+", "ArrowLeft"):
        notebook.page.keyboard.press(key)
    notebook.until("timeline.view['seconds'] and timeline.view['seconds'] < 1")
    assert before is None
    for key in ("a", "b", "d", "d"):
        notebook.page.keyboard.press(key)
    assert notebook.cells == 1
    notebook.screenshot("timeline-zoomed", timeline)
    notebook.page.keyboard.press("0")
    notebook.until("timeline.view['seconds'] is None")


def test_lanes_and_owners_hide_and_show_in_light_and_dark(lab: Lab, ended: Path) -> None:
    notebook = lab.open("import mlbench as mb\n" + SHOW.format(path=str(ended)))
    notebook.run(0)
    timeline = shown(notebook, 0)
    lanes = timeline.locator(".mlt-lane[data-metric]")
    count = lanes.count()
    timeline.get_by_text("Lanes").click()
    timeline.locator("input[name=host_pressure_cpu]").uncheck()
    expect(lanes).to_have_count(count - 1)
    notebook.until("'host_pressure_cpu' not in timeline.lanes")
    notebook.page.keyboard.press("Escape")
    timeline.locator(".mlt-chip", has_text="search").click()
    notebook.until("timeline.hidden == ['search']")
    expect(timeline.locator(".mlt-name", has_text="search")).to_have_count(0)
    lab.theme("dark")
    expect(timeline).to_have_css("background-color", "rgb(33, 33, 33)")
    expect(timeline.locator(".mlt-phase-load")).to_be_visible()
    notebook.screenshot("timeline-dark", timeline)
    lab.theme("light")
