"""The widgets in Jupyter Notebook 7, which has the same cells in another frame."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from lab import Lab
from playwright.sync_api import expect

pytestmark = pytest.mark.skipif(find_spec("notebook") is None, reason="needs: pip install notebook")


def test_widgets_show_in_notebook_7(lab: Lab, run_path) -> None:
    cell = f"import mlbench as mb\nrun = mb.open_run({run_path!r})\nmb.Timeline(run)"
    file = lab.write(cell)
    page = lab.page.context.new_page()
    page.goto(lab.server.url(f"notebooks/{file.relative_to(lab.server.root)}"))
    page.evaluate("() => window.lab.adopt('', 60)")
    page.locator(".jp-Cell").click()
    page.keyboard.press("Control+Enter")
    timeline = page.get_by_role("group", name="timeline of")
    expect(timeline).to_be_visible()
    expect(timeline).to_contain_text("done")
    page.screenshot(path=lab.artefact("notebook-7"))
    page.close()
