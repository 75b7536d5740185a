"""What stages do to their own pipelines: they raise, hang, kill, and do not close."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_support import bench, ended, of, outcomes, pipeline, sleep, using

from mlbench.run import Run

POISSON = {"poisson": {"rate": 100}}
BESIDE = pipeline(sleep(0.01), stop={"seconds": 0.5})
EXECUTIONS = ("serial", "pipelined")
in_both = pytest.mark.parametrize("execution", EXECUTIONS)


def assert_accounted_for(run: Run, name: str) -> None:
    """Every dispatched query has exactly one row."""
    queries = of(run.queries(), name)
    assert list(queries["query"]) == list(range(len(queries)))
    assert sum(outcomes(run, name).values()) == len(queries)


def stderr(run: Run, name: str) -> str:
    return (run.path / "pipelines" / name / "stderr.log").read_text()


# -- it raises ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raising(tmp_path_factory: pytest.TempPathFactory) -> Run:
    flaky = pipeline(using("synthetic.fail", {"every": 4}), stop={"queries": 20})
    greedy = pipeline(using("runs_stages:greedy"), stop={"queries": 10})
    return ended(bench({"flaky": flaky, "greedy": greedy}), tmp_path_factory.mktemp("runs"))


def test_a_stage_that_raises_is_a_row_and_the_run_goes_on(raising: Run) -> None:
    assert raising.status == "done"
    assert outcomes(raising, "flaky") == {"done": 15, "failed": 5}
    errors = of(raising.queries(), "flaky")["error"].dropna()
    assert "told to fail at query 3" in errors.iloc[0]
    (first, *others) = raising.summary()["pipelines"]["flaky"]["failures"]
    assert (first["outcome"], first["count"], first["first_query"]) == ("failed", 1, 3)
    assert len(others) == 4


def test_memory_that_cannot_be_had_fails_the_query_and_not_the_run(raising: Run) -> None:
    assert outcomes(raising, "greedy") == {"done": 9, "failed": 1}
    assert "MemoryError" in of(raising.queries(), "greedy")["error"].dropna().iloc[0]


# -- it kills its process ----------------------------------------------------------------


@pytest.fixture(scope="module")
def killing(tmp_path_factory: pytest.TempPathFactory) -> Run:
    dies = [sleep(0.02), using("synthetic.crash", {"at": 4})]
    load = {"constant": {"rate": 500}}
    pipelines = {each: pipeline(*dies, load=load, execution=each) for each in EXECUTIONS}
    what = bench({**pipelines, "beside": BESIDE}, stop={"seconds": 60})
    return ended(what, tmp_path_factory.mktemp("runs"))


@in_both
def test_a_worker_that_dies_ends_its_own_pipeline_and_no_other(
    killing: Run, execution: str
) -> None:
    entries = killing.manifest["pipelines"]
    assert killing.status == entries[execution]["status"] == "failed"
    assert "SIGKILL" in entries[execution]["reason"]
    assert "ends its process at query 4" in stderr(killing, execution)
    assert entries["beside"]["status"] == "done"
    assert set(outcomes(killing, "beside")) == {"done"}
    assert entries["beside"]["load"]["end_ns"] - killing.manifest["barrier_ns"] == 500_000_000


@in_both
def test_every_query_that_a_dead_worker_was_sent_is_lost_once(killing: Run, execution: str) -> None:
    """More wait than it ever took."""
    rows = killing.tail()[0]["dispatch"]
    code = list(killing.manifest["pipelines"]).index(execution)
    frames = [batch.to_pandas() for batch in rows]
    sent = sorted(q for f in frames for q in f.loc[f["pipeline"] == code, "query"])
    assert list(of(killing.queries(), execution)["query"]) == sent == list(range(len(sent)))
    assert outcomes(killing, execution) == {"done": 4, "lost": len(sent) - 4}
    assert len(sent) > 5


def test_a_full_inbox_and_a_dead_worker_keep_no_one_waiting(tmp_path: Path) -> None:
    """All at once, more than a pipe holds: the driver waits for room, and its reader dies."""
    dies = pipeline(using("synthetic.crash", {"at": 3}), load={"offline": {"queries": 50_000}})
    loaded = pipeline(sleep(0.001), load=POISSON, stop={"seconds": 0.5})
    run = ended(bench({"a": dies, "b": loaded}, stop=None), tmp_path)
    assert run.manifest["pipelines"]["b"]["status"] == "done"
    assert_accounted_for(run, "a")
    assert outcomes(run, "a")["done"] == 3


def test_the_names_of_events_outlive_the_worker_that_said_them(tmp_path: Path) -> None:
    says, dies = using("runs_stages:Says"), using("synthetic.crash", {"at": 5})
    run = ended(bench({"a": pipeline(says, dies)}), tmp_path)
    assert run.status == "failed"
    assert list(run.events()["name"].cat.categories) == ["first token", "tokens"]
    assert run.events()["name"].notna().all()


# -- it does not come back ---------------------------------------------------------------


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Run:
    hangs = using("synthetic.hang", {"at": 5})
    pipelines = {each: pipeline(hangs, load=POISSON, execution=each) for each in EXECUTIONS}
    limits = {"query": 0.8, "grace": 0.4}
    what = bench({**pipelines, "beside": BESIDE}, stop={"seconds": 0.5}, timeouts=limits)
    return ended(what, tmp_path_factory.mktemp("runs"))


@in_both
def test_a_stage_that_hangs_times_out_and_its_stack_is_kept(hanging: Run, execution: str) -> None:
    assert hanging.status == hanging.manifest["pipelines"][execution]["status"] == "failed"
    assert outcomes(hanging, execution)["timed_out"] == 1
    assert outcomes(hanging, execution)["done"] == 5
    assert_accounted_for(hanging, execution)
    assert "hang.py" in stderr(hanging, execution)


def test_waiting_in_front_of_a_busy_stage_is_no_hang(tmp_path: Path) -> None:
    load = {"constant": {"rate": 100}}
    busy = pipeline(using("synthetic.noop"), sleep(0.02), load=load, execution="pipelined")
    limits = {"query": 0.4, "grace": 0.6}
    run = ended(bench({"a": busy}, stop={"seconds": 1}, timeouts=limits), tmp_path)
    assert run.status == "done"
    assert set(outcomes(run, "a")) == {"done", "timed_out"}
    assert_accounted_for(run, "a")


# -- it is slow --------------------------------------------------------------------------


def test_a_stage_that_is_slow_to_close_does_not_fail_its_pipeline(tmp_path: Path) -> None:
    slow = pipeline(using("runs_stages:SlowToClose"))
    run = ended(bench({"a": slow}, stop={"queries": 5}, timeouts={"grace": 0.3}), tmp_path)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 5}
    assert any("did not close within 0.3 s" in reason for reason in run.manifest["reasons"])


def test_queries_that_the_drain_limit_cut_off_make_a_run_invalid(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.02), load={"constant": {"rate": 100}})
    run = ended(bench({"a": slow}, stop={"seconds": 0.5}, timeouts={"drain": 0.1}), tmp_path)
    summary = run.summary()
    assert summary["pipelines"]["a"]["outcomes"]["cancelled"] > 0
    assert any("cancelled at the drain limit" in reason for reason in summary["reasons"])


def test_a_backlog_that_grows_is_found_and_the_run_stays_valid(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.01), load={"constant": {"rate": 200}})
    summary = ended(bench({"a": slow}, stop={"seconds": 0.8}), tmp_path).summary()
    assert summary["pipelines"]["a"]["saturated"] is True
    assert summary["verdict"] == "VALID", summary["reasons"]


def test_a_backlog_above_its_limit_ends_the_load_and_is_said(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.05), load={"constant": {"rate": 2000}})
    limits = {"limits": {"backlog": 100}, "timeouts": {"drain": 0.2}}
    run = ended(bench({"a": slow}, stop={"seconds": 20}, **limits), tmp_path)
    assert any("backlog" in reason for reason in run.manifest["reasons"])
    assert_accounted_for(run, "a")
