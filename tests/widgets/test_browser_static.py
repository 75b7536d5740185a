"""A saved notebook, exported to HTML, shows the widgets as pictures: no kernel, no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab import Lab, Notebook
from playwright.sync_api import Page, expect

BUILDER = """
import mlbench as mb
stages = {"first": {"uses": "synthetic.noop", "to": "second"}, "second": {"uses": "synthetic.noop"}}
pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages}
mb.Builder(mb.Benchmark(name="two-stages", pipelines={"alone": pipeline}))
"""


def exported(notebook: Notebook) -> Path:
    """The saved notebook as a page, with the outputs that it has."""
    file = notebook.save()
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level", "ERROR", file]
    subprocess.run(command, check=True, timeout=60)
    return file.with_suffix(".html")


def opened(lab: Lab, file: Path) -> Page:
    """The page in a browser that reaches nothing but the file."""
    page = lab.page.context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.route("file://**", lambda route: route.continue_())
    page.goto(file.as_uri(), wait_until="domcontentloaded")
    return page


def test_an_exported_notebook_shows_what_the_widgets_showed(lab: Lab, run_path: str) -> None:
    runs = str(Path(run_path).parent)
    notebook = lab.open(BUILDER, f"mb.Timeline({run_path!r})", f"mb.RunBrowser({runs!r})")
    notebook.run_all()
    page = opened(lab, exported(notebook))
    builder, timeline, browser = (page.locator(".jp-OutputArea-output").nth(n) for n in range(3))
    expect(builder).to_contain_text("two-stages")
    expect(timeline).to_contain_text("service-beside-job")
    expect(browser).to_contain_text(Path(run_path).name)
    for picture in (builder.locator("svg, img"), timeline.locator("svg, img")):
        expect(picture.first).to_be_visible()
    page.screenshot(path=lab.artefact("exported"), full_page=True)
    page.close()
