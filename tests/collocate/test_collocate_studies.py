"""Whole studies on real processes: short windows, and what stands in their directories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from collocate_support import Interrupter, bench, names, pipeline, sleeping

import mlbench
from mlbench.analysis.record import ENDED
from mlbench.collocation import attempt, collocate, collocate_placements, resume
from mlbench.collocation.design import block_runs, treatments_of
from mlbench.collocation.ledger import Ledger
from mlbench.collocation.studies import begun, drafted, resumed, with_study
from mlbench.collocation.watcher import Watcher
from mlbench.errors import NotARunError, SpecError
from mlbench.machine.contention import Contention
from mlbench.run import open_run
from mlbench.store.kind import STUDY
from mlbench.store.process import is_running
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import StudyReader

SHORT = {"seconds": 0.4, "settle": 0.1}
USERS = {"poisson": {"rate": 100}}


@pytest.fixture(autouse=True, scope="module")
def at_once():
    """Nobody looks at the machine before a run: that would be half a second each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "look", lambda pause, cpus: Contention(seconds=0, busy_share=0.0))
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> mlbench.Study:
    """Two blocks of two pipelines, alone and together."""
    what = bench({"users": pipeline(load=USERS), "loop": sleeping(0.002)}, repeats=2, **SHORT)
    return collocate(what, out=tmp_path_factory.mktemp("studies"), watcher=Watcher())


def arrivals(study: mlbench.Study, block: int, treatment: str) -> list[int]:
    """When the users' queries were due, in ns after the barrier."""
    run = study.run(block, treatment)
    queries = run.queries()
    due = queries.loc[queries["pipeline"] == "users", "due"]
    return [int(each) - run.manifest["barrier_ns"] for each in due]


def manifest(path: Path) -> StudyManifest:
    return StudyReader(path).manifest()


# -- a whole study -----------------------------------------------------------------------


def test_every_block_has_a_valid_run_of_every_treatment(study):
    found = study.manifest
    assert study.status == "done"
    assert sorted((run.block, run.treatment) for run in found.runs if run.verdict == "VALID") == [
        (block, name) for block in (0, 1) for name in ("alone-loop", "alone-users", "together")
    ]
    assert study.summary()["verdict"] == "VALID", study.summary()["reasons"]


def test_all_runs_of_a_block_have_the_same_arrivals_and_blocks_differ(study):
    alone, together = arrivals(study, 0, "alone-users"), arrivals(study, 0, "together")
    count = min(len(alone), len(together))
    assert count > 30
    assert alone[:count] == together[:count]
    assert alone[:count] != arrivals(study, 1, "alone-users")[:count]


def test_every_run_has_an_engine_of_its_own_and_the_window_of_the_study(study):
    manifests = [open_run(study.path / run.directory).manifest for run in study.manifest.runs]
    assert len({each["engine"]["pid"] for each in manifests}) == len(manifests)
    for each in manifests:
        window = each["window"]
        assert window["begin_ns"] - each["barrier_ns"] == 100_000_000
        assert window["end_ns"] - window["begin_ns"] == 400_000_000


def test_what_others_did_stands_beside_each_run(study):
    for run in json.loads((study.path / STUDY).read_text())["runs"]:
        shares, contexts = {"before", "during", "placed", "steal"}, {"contexts", "contexts_after"}
        assert set(run["foreign"]) == shares | contexts
        assert 0 <= run["foreign"]["placed"] <= 1
        assert run["foreign"]["before"] == 0.0
        assert 0 <= run["foreign"]["during"] <= 1


def test_the_study_says_what_made_it(study):
    found = study.manifest
    assert found.mlbench == mlbench.__version__
    assert found.environment["cpu"]
    assert found.process is None
    assert found.spec == study.bench


# -- contention --------------------------------------------------------------------------


def test_a_run_that_others_disturb_is_invalid_and_says_what_they_did(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "look", lambda pause, cpus: Contention(seconds=0, busy_share=0.4))
    limits = {"foreign_share": 0.39, "patience": 0}
    what = bench("a", design="aa", repeats=1, attempts=1, **limits, **SHORT)
    found = collocate(what, out=tmp_path, watcher=Watcher())
    assert [run.verdict for run in found.manifest.runs] == ["INVALID"] * 2
    assert "Others used 40.0% of the processors right before" in found.manifest.runs[0].reasons[0]
    assert found.summary()["verdict"] == "INVALID"


# -- a share of the capacity -------------------------------------------------------------


def test_a_load_is_a_share_of_the_capacity_that_was_measured(tmp_path):
    users = sleeping(0.01, load={"poisson": {"utilisation": 0.5}})
    found = collocate(
        bench({"users": users}, design="aa", repeats=1, **SHORT), out=tmp_path, watcher=Watcher()
    )
    capacity = found.manifest.capacity["users"].rate
    assert 20 < capacity <= 100
    assert names(found.manifest.runs)[0] == "capacity-users"
    runs = [open_run(found.path / run.directory).bench for run in found.manifest.runs]
    loads = [run.pipelines["users"].load for run in runs]
    rate = float(f"{capacity / 2:.4g}")
    assert [load.options for load in loads] == [{"concurrency": 1}, {"rate": rate}, {"rate": rate}]


# -- placements --------------------------------------------------------------------------


def test_each_placement_is_a_study_of_its_own_in_one_directory(tmp_path):
    placements = {"one thread": {"*": {"threads": 1}}, "gentle": {"a": {"priority": "best_effort"}}}
    what = bench("a", design="aa", repeats=1, placements=placements, **SHORT)
    with pytest.raises(SpecError, match="2 variants"):
        collocate(what, out=tmp_path)
    found = collocate_placements(what, out=tmp_path, watcher=Watcher())
    assert list(found) == ["one thread", "gentle"]
    assert {each.path.parent for each in found.values()} == set(tmp_path.iterdir())
    placed = {variant: each.run(0, "aa-1") for variant, each in found.items()}
    priorities = {
        variant: run.manifest["pipelines"]["a"]["placement"]["priority"]
        for variant, run in placed.items()
    }
    assert priorities == {"one thread": "normal", "gentle": "best_effort"}


@pytest.mark.unit
def test_the_studies_of_several_placements_are_gone_on_with_together(tmp_path):
    placements = {"b first": {}, "a": {"*": {"threads": 1}}}
    load = {"poisson": {"utilisation": 0.5}}
    what = bench({"a": pipeline(load=load)}, design="aa", placements=placements)
    books = begun(what, tmp_path)
    for book in books.values():
        book.close("stopped")
    (folder,) = tmp_path.iterdir()
    again = resumed(folder, what)
    assert list(again) == ["b first", "a"]
    assert [names(each.manifest.runs) for each in again.values()] == [
        names(each.manifest.runs) for each in books.values()
    ]
    assert names(again["b first"].manifest.runs)[0] == "capacity-a"
    assert "capacity-a" not in names(again["a"].manifest.runs)
    assert again["a"].bench.pipelines["a"].place.threads == 1


# -- cut off, and gone on with -----------------------------------------------------------


def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path):
    what = bench("a", design="aa", repeats=2, **SHORT)
    watcher = Interrupter(first_of(what, 1))
    stopped = collocate(what, out=tmp_path, watcher=watcher)
    kept = [run for run in stopped.manifest.runs if run.status in ENDED]
    assert stopped.status == "stopped"
    assert kept[-1].status == "stopped"
    assert "interrupted" in kept[-1].reasons[0]

    done = resume(stopped.path, watcher=Watcher())

    assert done.status == "done"
    assert done.manifest.runs[: len(kept)] == tuple(kept)
    assert done.manifest.spec == stopped.manifest.spec
    valid = [(run.block, run.treatment) for run in done.manifest.runs if run.verdict == "VALID"]
    assert sorted(valid) == [(0, "aa-1"), (0, "aa-2"), (1, "aa-1"), (1, "aa-2")]


def first_of(what: mlbench.Benchmark, block: int) -> str:
    """The treatment that comes second in the first block: one run is made before it."""
    return block_runs(treatments_of(what), what.seed, 0)[block].treatment


STAGE = """
import mlbench


@mlbench.stage
def double(x: int) -> int:
    return {times} * x
"""


def test_a_study_whose_code_has_changed_is_not_gone_on_with(tmp_path, monkeypatch):
    module = tmp_path / "code_of_a_study.py"
    module.write_text(STAGE.format(times=2))
    monkeypatch.syspath_prepend(tmp_path)
    what = bench({"a": pipeline({"uses": "code_of_a_study:double"})}, design="aa", **SHORT)
    study = collocate(with_study(what, repeats=1), out=tmp_path / "runs", watcher=Watcher())
    assert study.summary()["verdict"] == "VALID", study.summary()["reasons"]
    assert Ledger.read(study.path).missing() == []
    resumed(study.path)[""].close("stopped")
    module.write_text(STAGE.format(times=3))
    with pytest.raises(NotARunError, match=r"code of code_of_a_study has changed.*new study"):
        resume(study.path, repeats=2)


@pytest.mark.unit
def test_a_study_that_another_version_made_is_not_gone_on_with(tmp_path):
    (book,) = begun(bench("a", design="aa", repeats=1), tmp_path).values()
    book.note(book.next().model_copy(update={"status": "done", "verdict": "VALID"}))
    book.close("stopped")
    data = json.loads((book.path / STUDY).read_text())
    (book.path / STUDY).write_text(json.dumps({**data, "mlbench": "0.0.1"}))
    with pytest.raises(NotARunError, match=r"mlbench 0\.0\.1 made them"):
        resumed(book.path)


def test_a_draft_plans_what_was_cut_off_again_and_writes_nothing(tmp_path):
    (book,) = begun(bench("ab", repeats=2), tmp_path).values()
    book.note(book.next().model_copy(update={"status": "going"}))
    book.close("stopped")
    before = (book.path / "study.json").read_bytes()
    (draft,) = drafted(book.path, repeats=3).values()
    assert draft.waiting == 9
    assert draft.manifest.repeats == 3
    assert (book.path / "study.json").read_bytes() == before


def test_a_study_gets_more_blocks(tmp_path):
    study = collocate(bench("a", design="aa", repeats=1, **SHORT), out=tmp_path, watcher=Watcher())
    before = study.manifest.runs
    more = resume(study.path, repeats=2, watcher=Watcher())
    assert more.manifest.runs[:2] == before
    assert more.manifest.repeats == 2
    assert more.summary()["blocks"] == {"begun": 2, "valid": 2}


MAKE = """
import sys
sys.path.insert(0, {folder!r})
from collocate_support import bench, pipeline
from mlbench.collocation import collocate
collocate(bench("a", design="aa", repeats=1, seconds=60, settle=0), out={out!r})
"""


def test_the_engine_of_a_study_that_was_killed_is_ended_before_it_goes_on(tmp_path):
    code = MAKE.format(folder=str(Path(__file__).parent), out=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        run = until_load(tmp_path)
    finally:
        process.kill()
        process.wait()
    path = run.path.parents[2]
    engine = run.manifest["engine"]
    assert is_running(engine)
    assert StudyReader(path).status(manifest(path)) == "aborted"

    (book,) = resumed(path).values()

    assert not is_running(engine)
    assert book.manifest.runs[0].status == "stopped"
    assert book.waiting == 2
    book.close("stopped")


def until_load(out: Path):
    """The first run of the first study, when it is under load."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        for path in out.glob("*/blocks/*/*/run.json"):
            if json.loads(path.read_text())["status"] == "load":
                return open_run(path.parent)
        time.sleep(0.02)
    raise AssertionError("no run came under load")


def test_a_study_that_goes_on_is_not_resumed(study):
    book = Ledger.read(study.path)
    book.open()
    try:
        with pytest.raises(NotARunError, match=f"goes on in process {os.getpid()}"):
            resume(study.path)
    finally:
        book.close("done")


def test_a_directory_without_a_study_is_told(tmp_path):
    with pytest.raises(NotARunError, match="holds no study"):
        resume(tmp_path)
