"""The dashboard in JupyterLab: run, stop, study, mistakes, and a kernel that is restarted."""

from __future__ import annotations

from lab import Lab, Notebook
from playwright.sync_api import Locator, expect

BENCH = """
import mlbench as mb
item = {"data": {"uses": "synthetic.items"}, "load": {"constant": {"rate": 50}}}
spin = {"uses": "synthetic.spin", "with": {"seconds": 0.002}}
anyhow = {"foreign_share": 1, "steal_share": 1, "cooldown": 0, "min_blocks": 1}
bench = mb.Benchmark(
    name="pair",
    stop={"seconds": SECONDS},
    study={"repeats": 1, "seconds": 0.5, "settle": 0, **anyhow},
    pipelines={"first": item | {"stages": {"spin": spin}}, "second": item | {"stages": STAGES}},
)
"""
SHOW = "board = mb.Dashboard(bench)\nboard"
GOOD = '{"spin": spin}'
RUN_S = 60


def dashboard(lab: Lab, seconds: float = 1, stages: str = GOOD) -> Notebook:
    cell = BENCH.replace("SECONDS", str(seconds)).replace("STAGES", stages)
    notebook = lab.open(cell, SHOW)
    notebook.run_all()
    return notebook


def button(notebook: Notebook, name: str) -> Locator:
    return notebook.output(1).locator("button.jupyter-button", has_text=name)


def test_run_shows_the_timeline_and_then_the_tables(lab: Lab) -> None:
    notebook = dashboard(lab)
    button(notebook, "Run").click()
    output = notebook.output(1)
    expect(output.get_by_role("group", name="timeline of")).to_be_visible()
    expect(output.locator("table", has_text="achieved (1/s)")).to_be_visible(timeout=RUN_S * 1e3)
    expect(output.locator("table", has_text="service p50 (ms)")).to_contain_text("spin")
    expect(button(notebook, "Run")).to_be_enabled()
    assert notebook.python("board.run.status") == "done"
    notebook.screenshot("dashboard-run")


def test_the_kernel_is_free_while_a_run_goes_on_and_stop_ends_it(lab: Lab) -> None:
    notebook = dashboard(lab, seconds=600)
    button(notebook, "Run").click()
    notebook.until("board.run and board.run.status == 'load'", seconds=RUN_S)
    expect(button(notebook, "Run")).to_be_disabled()
    button(notebook, "Stop").click()
    notebook.until("board.run.status == 'stopped'", seconds=RUN_S)
    expect(button(notebook, "Run")).to_be_enabled()


def test_study_is_made_by_another_process_and_its_slowdown_is_shown(lab: Lab) -> None:
    notebook = dashboard(lab)
    button(notebook, "Study").click()
    expect(notebook.output(1)).to_contain_text("of 3 runs", timeout=RUN_S * 1e3)
    assert notebook.python("1 + 1") == 2
    table = notebook.output(1).locator("table", has_text="treatment").first
    expect(table).to_be_visible(timeout=RUN_S * 1e3)
    expect(table).to_contain_text("together")
    notebook.screenshot("dashboard-study")


def test_a_mistake_is_shown_and_nothing_is_started(lab: Lab) -> None:
    notebook = dashboard(lab, stages='{"spin": {"uses": "synthetic.spn"}}')
    button(notebook, "Run").click()
    message = notebook.output(1).locator(".jp-RenderedHTMLCommon", has_text="Not started:")
    expect(message).to_contain_text("pipelines.second.stages.spin.uses")
    expect(message).to_contain_text("did you mean 'synthetic.spin'?")
    assert notebook.python("board.run") is None
    assert notebook.python("[str(p) for p in __import__('pathlib').Path('runs').glob('*')]") == []


def test_a_run_outlives_its_kernel_and_the_dashboard_finds_it_again(lab: Lab) -> None:
    notebook = dashboard(lab, seconds=600)
    button(notebook, "Run").click()
    notebook.until("board.run and board.run.status == 'load'", seconds=RUN_S)
    path = notebook.python("str(board.run.path)")
    notebook.restart_kernel()
    notebook.run_all()
    assert notebook.python("(str(board.run.path), board.run.status)") == [path, "load"]
    expect(notebook.output(1).get_by_role("group", name="timeline of")).to_be_visible()
    button(notebook, "Stop").click()
    notebook.until("board.run.status == 'stopped'", seconds=RUN_S)
