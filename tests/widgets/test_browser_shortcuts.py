"""Keys that are shortcuts of JupyterLab stay inside of a widget that has the focus.

`a` would insert a cell, `d d` delete one, `x`, `c`, `v` and `z` cut, copy, paste and undo.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Lab, Notebook

SHORTCUTS = ("a", "b", "d", "d", "x", "c", "v", "z", "m", "y", "Delete", "Backspace")
ABOVE, BELOW = "'above'", "'below'"


def widget_between_cells(lab: Lab, code: str) -> Notebook:
    """A notebook whose middle cell shows the widget, with one cell on each side."""
    notebook = lab.open(ABOVE, code, BELOW)
    notebook.run(1)
    return notebook


def press_shortcuts(notebook: Notebook) -> None:
    for key in SHORTCUTS:
        notebook.page.keyboard.press(key)


def assert_cells_are_as_they_were(notebook: Notebook, code: str) -> None:
    """What a shortcut does is done before a later key is answered, so one is enough to wait for."""
    notebook.python("1")
    assert notebook.sources == [ABOVE, code, BELOW]
    assert notebook.page.locator(".jp-Dialog").count() == 0


@pytest.mark.parametrize("part", [".mlt-surface", ".mlt-tools button:visible", ".mlt-foot"])
def test_no_shortcut_leaves_a_timeline(lab: Lab, run_path: str, part: str) -> None:
    code = f"import mlbench as mb\nmb.Timeline({run_path!r})"
    notebook = widget_between_cells(lab, code)
    notebook.output(1).locator(part).first.click()
    press_shortcuts(notebook)
    assert_cells_are_as_they_were(notebook, code)


@pytest.mark.parametrize("part", ["input[type=checkbox]", "input[type=search]", "th button"])
def test_no_shortcut_leaves_a_run_browser(lab: Lab, run_path: str, part: str) -> None:
    code = f"import mlbench as mb\nmb.RunBrowser({str(Path(run_path).parent)!r})"
    notebook = widget_between_cells(lab, code)
    notebook.output(1).locator(part).first.click()
    press_shortcuts(notebook)
    assert_cells_are_as_they_were(notebook, code)
