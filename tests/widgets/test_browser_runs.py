"""A run browser in a real JupyterLab: filter, compare, open, and find a live run again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lab import Lab
from playwright.sync_api import expect
from widget_runs import BENCH, finished

SHOW = "import mlbench as mb\nbrowser = mb.RunBrowser({path!r})\nbrowser"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    run = finished(folder, 1.0)
    shutil.copytree(run.path, folder / "second")
    return folder


def test_runs_are_filtered_chosen_and_compared(lab: Lab, recorded: Path) -> None:
    notebook = lab.open(SHOW.format(path=str(recorded)))
    notebook.run(0)
    browser = notebook.output(0).locator(".mlr")
    rows = browser.locator("tbody tr[data-id]")
    expect(rows).to_have_count(2)
    browser.get_by_label("filter runs").fill("second search")
    expect(rows).to_have_count(1)
    notebook.until("browser.filters['text'] == 'second search'")
    browser.get_by_label("filter runs").fill("")
    for box in browser.locator("tbody input").all():
        box.check()
    notebook.until("len(browser.selected) == 2")
    browser.get_by_role("button", name="Compare").click()
    table = browser.locator(".mlr-comparison")
    expect(table).to_contain_text("train <i>")
    expect(table.locator("tbody tr", has_text="latency p50").first).to_contain_text("1.000×")
    notebook.screenshot("runs-compared", browser)


def test_a_live_run_is_found_again_after_the_kernel_was_restarted(lab: Lab, tmp_path: Path) -> None:
    folder = str(tmp_path)
    begin = BENCH + f"run = mb.start(bench(60, 'survivor'), {folder!r})"
    stop = "browser.selected[0].stop()\nbrowser.selected[0].wait(30).status"
    notebook = lab.open(begin, SHOW.format(path=folder), stop)
    notebook.run(0)
    notebook.restart_kernel()
    notebook.run(1)
    browser = notebook.output(1).locator(".mlr")
    expect(browser.locator(".mlr-going")).to_be_visible()
    browser.locator("tbody input").check()
    browser.get_by_role("button", name="Open the chosen run as a timeline below").click()
    timeline = browser.locator(".mlt")
    expect(timeline.locator(".mlt-lane canvas").first).to_be_visible()
    before = float(timeline.get_attribute("data-edge") or 0)
    notebook.page.wait_for_function(
        "([timeline, edge]) => Number(timeline.dataset.edge) > edge",
        arg=[timeline.element_handle(), before + 1],
    )
    notebook.screenshot("runs-reattached", browser)
    assert notebook.run(2) == "'stopped'"
    expect(browser.locator("tbody .mlr-stopped")).to_be_visible()
