"""A real JupyterLab in a real Chromium, and the words in which tests speak of them.

``Lab`` is one page of JupyterLab, ``Notebook`` one notebook that is open in it. Commands of
JupyterLab do what only prepares a test (opening, running a cell); mouse and keyboard, which
are what is tested, are used through ``notebook.page`` and the locators.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from lab_server import Server
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

__all__ = ["ARTEFACTS", "Lab", "Notebook", "chromium", "running_browser"]

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
"""Where screenshots go; git ignores it."""

WAIT_S = 30.0
"""How long anything may take that is not said to take longer."""

PAGE = Path(__file__).with_name("lab_page.js").read_text(encoding="utf-8")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEWPORT = {"width": 1400, "height": 1000}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def chromium() -> str | None:
    """Where this machine has a Chromium, if it has one."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A Chromium without a window, until the block ends."""
    expect.set_options(timeout=WAIT_S * 1e3)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Notebook:
    """A notebook that is open in the page, with a kernel of its own."""

    lab: Lab
    path: str

    @property
    def page(self) -> Page:
        """The page that it is open in, for mouse and keyboard."""
        return self.lab.page

    # -- cells ---------------------------------------------------------------------------

    def run(self, index: int = 0, *, seconds: float = WAIT_S) -> str:
        """Run a cell, wait for its end, and return what it shows as text.

        A cell that raises is an error with its traceback, so that no test goes on without.
        """
        ended_well = self._do("run", index, seconds)
        text = self.text(index)
        if not ended_well:
            raise AssertionError(f"cell {index} failed: {text}")
        return text

    def start(self, index: int = 0) -> None:
        """Run a cell without waiting for its end."""
        self._do("run", index, None)

    def is_running(self, index: int = 0) -> bool:
        """Whether a cell has been started and has not ended."""
        return bool(self._do("running", index))

    def until_ended(self, index: int = 0, *, seconds: float = WAIT_S) -> None:
        """Wait until a cell that was started has ended, well or not."""
        end_s = time.monotonic() + seconds
        while self.is_running(index):
            if time.monotonic() > end_s:
                raise TimeoutError(f"cell {index} is running after {seconds} s")
            self.page.wait_for_timeout(20)

    def run_all(self, *, seconds: float = WAIT_S) -> None:
        """Run all cells, one after the other."""
        for index in range(self.cells):
            self.run(index, seconds=seconds)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return int(self._do("cells"))

    @property
    def sources(self) -> list[str]:
        """The text of each cell."""
        return list(self._do("sources"))

    def text(self, index: int = 0) -> str:
        """What a cell shows, as text; of an error, its name and message."""
        return str(self._do("text", index))

    def select(self, index: int = 0) -> None:
        """Make a cell the active one, as the arrow keys would; the page's focus stays."""
        self._do("activate", index)

    def cell(self, index: int = 0) -> Locator:
        """A cell on the page."""
        panel = self.page.locator(f'[id="{self._do("id")}"]')
        return panel.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int = 0) -> Locator:
        """What a cell shows, on the page: find the parts of a widget in it."""
        return self.cell(index).locator(".jp-OutputArea-child .jp-OutputArea-output")

    def save(self) -> Path:
        """Save it, and return the file."""
        self._do("save")
        return self.lab.server.root / self.path

    # -- the kernel ----------------------------------------------------------------------

    @property
    def kernel(self) -> str:
        """What its kernel said last: ``idle``, ``busy``, ``restarting`` ...

        Where a widget is at work that may be the word of a subshell: ask `is_running` of a cell.
        """
        return str(self._do("status"))

    def until_kernel(self, status: str, *, seconds: float = WAIT_S) -> None:
        """Wait until the kernel does that: the page hears of it a moment later."""
        end_s = time.monotonic() + seconds
        while self.kernel != status:
            if time.monotonic() > end_s:
                raise TimeoutError(f"the kernel is {self.kernel}, not {status}, after {seconds} s")
            self.page.wait_for_timeout(20)

    def restart_kernel(self) -> None:
        """Restart the kernel, and wait until the new one answers."""
        self._do("restart", WAIT_S)

    def interrupt_kernel(self) -> None:
        """Interrupt what the kernel does."""
        self._do("interrupt")

    def python(self, expression: str) -> Any:  # Any: JSON
        """The value of a Python expression in the kernel; must be what JSON can say."""
        asked = f"__import__('json').dumps({expression})"
        return json.loads(ast.literal_eval(self._do("python", asked, WAIT_S)))

    def until(self, expression: str, *, seconds: float = WAIT_S) -> None:
        """Wait until a Python expression holds in the kernel: the page leads it."""
        end_s = time.monotonic() + seconds
        while not self.python(f"bool({expression})"):
            if time.monotonic() > end_s:
                raise TimeoutError(f"does not hold after {seconds} s: {expression}")
            self.page.wait_for_timeout(20)

    # -- the page ------------------------------------------------------------------------

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """A picture of the page, or of a part of it, in ``artefacts/NAME.png``."""
        path = self.lab.artefact(name)
        (of or self.page).screenshot(path=path)
        return path

    def close(self) -> None:
        """Close it unsaved, and end its kernel."""
        self._do("close", WAIT_S)

    def _do(self, function: str, *arguments: object) -> Any:  # Any: whatever that function gives
        return self.lab.do(function, self.path, *arguments)


@dataclass
class Lab:
    """One page of JupyterLab, which opens notebooks."""

    server: Server
    browser: Browser
    said: list[str] = field(default_factory=list)
    """Errors of the page: uncaught, or on its console."""
    _page: Page | None = None
    _opened: list[Notebook] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def page(self) -> Page:
        """The page, opened when it is first asked for."""
        if self._page is None:
            self._page = self._new_page()
        return self._page

    def open(self, *cells: str, name: str = "test") -> Notebook:
        """A fresh notebook with these cells of code, and a kernel that is ready."""
        return self.reopen(self.write(*cells, name=name))

    def write(self, *cells: str, name: str = "test") -> Path:
        """A notebook with these cells of code, as a file in a folder of its own."""
        folder = self.server.root / f"{_as_file_name(name)}-{next(self._numbers)}"
        folder.mkdir()
        path = folder / "notebook.ipynb"
        path.write_text(json.dumps(_as_document(cells)))
        return path

    def reopen(self, file: Path) -> Notebook:
        """A notebook that is there as a file below the server's directory."""
        notebook = Notebook(self, str(file.relative_to(self.server.root)))
        self._opened.append(notebook)
        self.do("open", notebook.path, WAIT_S)
        return notebook

    def theme(self, name: str) -> None:
        """Make the page ``light`` or ``dark``."""
        self.do("theme", THEMES[name])
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light",
            arg=str(name == "light").lower(),
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    @staticmethod
    def artefact(name: str) -> Path:
        """Where a picture of that name goes: ``artefacts/NAME.png``."""
        path = ARTEFACTS / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def close_notebooks(self) -> None:
        """Close all notebooks that were opened, with their kernels."""
        for notebook in self._opened:
            notebook.close()
        self._opened.clear()

    def discard(self) -> None:
        """Throw the page away, with all kernels; the next one is loaded anew."""
        if self._page is not None:
            self._page.context.close()
            self._page = None
        self._opened.clear()
        self.server.end_kernels()

    def do(self, function: str, *arguments: object) -> Any:  # Any: whatever that function gives
        """Call a function of lab_page.js."""
        return self.page.evaluate(
            "([name, given]) => window.lab[name](...given)", [function, list(arguments)]
        )

    def _new_page(self) -> Page:
        context = self.browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]  # a dict
        context.set_default_timeout(WAIT_S * 1e3)
        context.add_init_script(PAGE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error.stack or error}"))
        page.on("console", self._note)
        page.goto(self.server.url() + "&reset")
        page.evaluate("() => window.lab.started()")
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(f"console: {message.text}")


def _as_document(cells: Sequence[str]) -> dict[str, object]:
    """A notebook with cells of code, as nbformat 4.5 has it."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"id": f"cell-{number}", "cell_type": "code", "source": source, "metadata": {},
             "outputs": [], "execution_count": None}
            for number, source in enumerate(cells)
        ],
    }  # fmt: skip


def _as_file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60]
