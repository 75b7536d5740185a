"""The harness itself: a notebook in JupyterLab does what a test says of it."""

from __future__ import annotations

import pytest
from lab import Lab
from playwright.sync_api import expect

SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(value=3, max=10)\nslider"


def test_a_cell_runs_and_gives_its_text(lab: Lab) -> None:
    notebook = lab.open("print(6 * 7)", "1 / 0")
    assert notebook.cells == 2
    assert notebook.run(0) == "42\n"
    with pytest.raises(AssertionError, match="cell 1 failed: ZeroDivisionError: division by zero"):
        notebook.run(1)


def test_a_widget_is_moved_by_keyboard_and_its_value_arrives_in_python(lab: Lab) -> None:
    notebook = lab.open(SLIDER)
    notebook.run(0)
    handle = notebook.output(0).locator(".noUi-handle")
    handle.click()
    notebook.page.keyboard.press("ArrowRight")
    notebook.until("slider.value == 4")
    expect(notebook.output(0).locator(".widget-readout")).to_have_text("4")


def test_a_restarted_kernel_has_forgotten(lab: Lab) -> None:
    notebook = lab.open("value = 1")
    notebook.run(0)
    assert notebook.python("value") == 1
    notebook.restart_kernel()
    assert notebook.python("'value' in globals()") is False


def test_a_kernel_is_busy_while_a_cell_runs_and_can_be_interrupted(lab: Lab) -> None:
    notebook = lab.open("import threading\nprint('here')\nthreading.Event().wait()")
    notebook.start(0)
    expect(notebook.output(0)).to_have_text("here\n")
    notebook.until_kernel("busy")
    assert notebook.is_running(0)
    notebook.interrupt_kernel()
    expect(notebook.output(0).last).to_contain_text("KeyboardInterrupt")
    notebook.until_ended(0)


def test_keys_reach_the_notebook(lab: Lab) -> None:
    """The danger from which the widgets are kept: that it is there, and that a test sees it."""
    notebook = lab.open("1", "2")
    notebook.cell(0).locator(".jp-InputPrompt").click()
    notebook.page.keyboard.press("a")
    notebook.page.wait_for_function("path => window.lab.cells(path) === 3", arg=notebook.path)
    assert notebook.sources == ["", "1", "2"]


def test_the_page_is_dark_or_light(lab: Lab) -> None:
    lab.theme("dark")
    assert lab.page.locator("body[data-jp-theme-light=false]").count() == 1
    lab.theme("light")
    assert lab.page.locator("body[data-jp-theme-light=true]").count() == 1
