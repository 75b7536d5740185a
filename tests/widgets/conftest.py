"""One JupyterLab and one Chromium for all tests of the widgets; a fresh notebook for each.

A test asks for ``lab`` and opens a notebook in it. One that fails leaves a picture of the page
in ``artefacts/failed/``, and shows what the page and the server said.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from lab import ARTEFACTS, Lab, chromium, running_browser
from lab_server import Server, running_server
from playwright.sync_api import Browser, Error

from mlbench.run import start
from mlbench.spec import Benchmark

NO_CHROMIUM = "needs a Chromium: apt-get install chromium"
FAILED = pytest.StashKey[bool]()

SPIN = {"uses": "synthetic.spin", "with": {"seconds": 0.004}}
SERVICE = {
    "data": {"uses": "synthetic.items"},
    "load": {"poisson": {"rate": 50}},
    "stages": {"prepare": SPIN | {"to": "reply"}, "reply": {"uses": "synthetic.noop"}},
}
JOB = {"data": {"uses": "synthetic.items"}, "stages": {"step": SPIN}}
PAIR = {
    "name": "service-beside-job",
    "stop": {"seconds": 1},
    "pipelines": {"service": SERVICE, "job": JOB},
}


# Of the package, not of the session: as long as Playwright is there, asyncio believes that a
# loop runs in this thread, and tests elsewhere want one of their own.
@pytest.fixture(scope="package")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with running_browser() as running:
        yield running


@pytest.fixture(scope="package")
def lab_page(browser: Browser, lab_server: Server) -> Iterator[Lab]:
    page = Lab(lab_server, browser)
    yield page
    page.discard()


@pytest.fixture
def lab(lab_page: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The page, without any notebook; those that the test opens are closed after it."""
    lab_page.said.clear()
    yield lab_page
    if request.node.stash.get(FAILED, False):
        lab_page.discard()  # whatever state it is in
        return
    try:
        lab_page.close_notebooks()
    except Error:
        lab_page.discard()
        raise
    assert [line for line in lab_page.said if line.startswith("uncaught")] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    page = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(page, Lab):
        item.stash[FAILED] = True
        report.sections += _evidence(page, item.name)
    return report


def _evidence(lab: Lab, name: str) -> Iterator[tuple[str, str]]:
    """What helps to understand a failure: a picture, and what page and server said."""
    picture = ARTEFACTS / "failed" / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    try:
        lab.page.screenshot(path=picture, timeout=5000)
        yield "a picture of the page", str(picture)
    except Error as error:
        yield "no picture of the page", str(error)
    yield "what the page said", "\n".join(lab.said[-20:])
    yield "what JupyterLab said", lab.server.log.read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of two pipelines that has ended, in a directory that holds nothing else."""
    run = start(Benchmark.model_validate(PAIR), tmp_path_factory.mktemp("runs")).wait(60)
    return str(run.path)


@pytest.fixture(scope="session")
def node() -> str:
    """Where this machine has Node."""
    found = shutil.which("node")
    if found is None or not (Path(__file__).parents[2] / "widgets/node_modules").is_dir():
        reason = "needs Node 20 and the widgets' tools: apt-get install nodejs npm; make widgets"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
