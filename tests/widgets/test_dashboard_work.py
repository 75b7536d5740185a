"""What a dashboard follows and shows: runs, and studies that another process makes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mlbench
from mlbench.errors import EngineError, SpecError
from mlbench.run import start
from mlbench.spec import Benchmark
from mlbench.widgets.dashboard_results import list_html, results_html
from mlbench.widgets.dashboard_work import RunWork, StudyWork, Work, going_work, start_study

NOOP = {
    "data": {"uses": "synthetic.items"},
    "load": {"constant": {"rate": 100}},
    "stages": {"step": {"uses": "synthetic.noop"}},
}
ANYHOW = {"foreign_share": 1, "steal_share": 1, "cooldown": 0, "min_blocks": 1}
STUDY = {"repeats": 1, "seconds": 0.3, "settle": 0} | ANYHOW


def bench(**changes: object) -> Benchmark:
    fields = {"name": "pair", "pipelines": {"a<b": NOOP, "c": NOOP}, "study": STUDY}
    return Benchmark.model_validate(fields | changes)


@pytest.fixture
def study_of(tmp_path: Path) -> Iterator[Callable[[Benchmark], StudyWork]]:
    """Start a study; whatever becomes of the test, its process ends with it."""
    started: list[StudyWork] = []

    def begin(bench: Benchmark) -> StudyWork:
        started.append(start_study(bench, tmp_path / "out"))
        return started[-1]

    yield begin
    for work in started:
        assert work.process is not None
        work.stop()
        work.process.wait(30)


def ended(work: Work) -> Work:
    while work.is_going:
        time.sleep(0.05)  # it is another process that it waits for
    return work


def test_a_study_is_made_by_another_process_and_its_tables_are_shown(
    study_of, tmp_path: Path
) -> None:
    work = study_of(bench())
    assert work.progress() == "starting"
    assert ended(work).failure() == ""
    (study,) = work.sources()
    assert study.path.parent == tmp_path / "out"
    assert study.status == "done"
    assert work.progress() == "3 of 3 runs"
    html = results_html(work.sources())
    assert "VALID" in html
    assert "a&lt;b" in html
    assert "a<b" not in html
    assert "Slowdown, collocated over isolated" in html


def test_a_study_that_is_stopped_keeps_what_it_has(study_of, tmp_path: Path) -> None:
    work = study_of(bench(study=STUDY | {"seconds": 30}))
    while not work.sources() or not work.sources()[0].is_going:
        time.sleep(0.05)
    found = going_work(tmp_path / "out", "pair")
    assert isinstance(found, StudyWork)
    assert going_work(tmp_path / "out", "another") is None
    found.stop()  # as after a restart of the kernel: from another process than its parent
    ended(work)
    assert work.sources()[0].status == "stopped"
    assert going_work(tmp_path / "out", "pair") is None


def test_a_study_that_a_kernel_started_between_two_cells_can_be_stopped(study_of) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the kernel has it then
    try:
        work = study_of(bench(study=STUDY | {"seconds": 30}))
    finally:
        signal.signal(signal.SIGINT, before)
    while not work.sources() or not work.sources()[0].is_going:
        time.sleep(0.05)
    work.stop()
    ended(work)
    assert work.sources()[0].status == "stopped"


def test_a_study_of_what_only_this_process_knows_is_refused(tmp_path: Path) -> None:
    @mlbench.stage
    def local(number: int) -> int:
        """It."""
        return number

    stages = {"step": {"uses": local}}
    with pytest.raises(EngineError, match=r"local.*call mb.collocate\(bench\) in a cell"):
        start_study(bench(pipelines={"a": NOOP | {"stages": stages}, "b": NOOP}), tmp_path)


def test_a_study_of_one_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="needs 2 or more pipelines"):
        start_study(bench(pipelines={"a": NOOP}), tmp_path)


def test_a_run_that_goes_on_is_found_again(tmp_path: Path) -> None:
    run = start(bench(stop={"seconds": 60}), tmp_path)
    try:
        while run.status == "starting":
            time.sleep(0.02)
        found = going_work(tmp_path, "pair")
        assert isinstance(found, RunWork)
        assert found.run.path == run.path
        found.stop()
    finally:
        run.wait(30)
    assert going_work(tmp_path, "pair") is None
    assert going_work(tmp_path / "none", "pair") is None


@pytest.mark.unit
def test_a_list_holds_text_and_no_markup() -> None:
    assert list_html("a<b", ["<script>"]) == "<b>a&lt;b</b><ul><li>&lt;script&gt;</li></ul>"
    assert list_html("nothing", []) == "<b>nothing</b>"
