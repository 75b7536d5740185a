"""What holds for every run, on real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs_support import (
    begin,
    bench,
    ended,
    eventually,
    going,
    items,
    offsets,
    outcomes,
    pipeline,
    sleep,
    using,
    wait_for_rows,
)

import mlbench
from mlbench.spec import Window

POISSON = {"poisson": {"rate": 200}}


def test_phases_follow_each_other_and_share_their_edges(tmp_path: Path) -> None:
    run = ended(bench({"a": pipeline(load=POISSON)}), tmp_path)
    phases = run.manifest["phases"]
    assert [phase["name"] for phase in phases] == ["setup", "warm-up", "load", "drain"]
    ends = [phase["end_ns"] for phase in phases]
    assert ends[:-1] == [phase["start_ns"] for phase in phases[1:]]
    assert run.status == "done"


@pytest.mark.parametrize(
    "load", [POISSON, {"constant": {"rate": 200}}, {"gamma": {"rate": 200, "cv": 2}}]
)
def test_due_times_and_items_are_equal_whatever_else_runs(tmp_path: Path, load: object) -> None:
    one = pipeline(load=load)
    alone = ended(bench({"a": one}), tmp_path)
    beside = ended(
        bench({"a": one, "b": pipeline(using("synthetic.spin", {"seconds": 0.01}))}), tmp_path
    )
    assert offsets(alone, "a") == offsets(beside, "a")
    assert items(alone, "a") == items(beside, "a")
    assert len(offsets(alone, "a")) > 20


def test_asking_for_more_never_changes_the_earlier_ones(tmp_path: Path) -> None:
    short = ended(bench({"a": pipeline(load=POISSON)}, stop={"queries": 20}), tmp_path)
    longer = ended(bench({"a": pipeline(load=POISSON)}, stop={"queries": 60}), tmp_path)
    assert offsets(longer, "a")[:20] == offsets(short, "a")


def test_blocks_differ(tmp_path: Path) -> None:
    what = bench({"a": pipeline(load=POISSON)}, stop={"queries": 20})
    assert offsets(ended(what, tmp_path), "a") != offsets(ended(what, tmp_path, block=1), "a")


def test_the_load_begins_at_the_same_instant_for_all(tmp_path: Path) -> None:
    run = ended(bench({"a": pipeline(), "b": pipeline(load={"constant": {"rate": 50}})}), tmp_path)
    entries = run.manifest["pipelines"].values()
    assert {entry["load"]["begin_ns"] for entry in entries} == {run.manifest["barrier_ns"]}
    assert offsets(run, "b")[0] == 0
    assert offsets(run, "a")[0] == 0


@pytest.mark.parametrize("execution", ["serial", "pipelined"])
@pytest.mark.parametrize("load", [{"closed": {}}, {"constant": {"rate": 500}}])
def test_a_number_of_queries_is_that_number(tmp_path: Path, execution: str, load: object) -> None:
    what = bench({"a": pipeline(load=load, execution=execution)}, stop={"queries": 30})
    assert outcomes(ended(what, tmp_path), "a") == {"done": 30}


def test_both_minima_are_reached(tmp_path: Path) -> None:
    stop = {"min_seconds": 0.2, "min_queries": 150}
    run = ended(bench({"a": pipeline(load={"constant": {"rate": 500}}, stop=stop)}), tmp_path)
    assert len(offsets(run, "a")) >= 150
    assert offsets(run, "a")[-1] >= 0.2e9


def test_a_pipeline_without_a_stop_rule_goes_on_as_long_as_the_others(tmp_path: Path) -> None:
    pipelines = {"a": pipeline(sleep(0.01), stop={"queries": 30}), "b": pipeline(sleep(0.01))}
    run = ended(bench(pipelines, stop=None), tmp_path)
    assert outcomes(run, "a") == {"done": 30}
    assert run.status == "done"
    assert outcomes(run, "b")["done"] > 10


def test_warm_up_has_queries_of_its_own_that_are_in_no_table(tmp_path: Path) -> None:
    run = ended(bench({"a": pipeline(warmup={"queries": 7})}, stop={"queries": 5}), tmp_path)
    spans = run.spans()
    assert sorted(spans.loc[spans["query"] < 0, "query"].unique()) == list(range(-7, 0))
    assert list(run.queries()["query"]) == [0, 1, 2, 3, 4]
    assert run.summary()["pipelines"]["a"]["queries"] == 5


def test_a_window_is_measured_while_the_load_goes_on_around_it(tmp_path: Path) -> None:
    window = Window(settle=0.2, seconds=0.4)
    what = bench({"a": pipeline(load=POISSON), "b": pipeline(sleep(0.02))})
    run = ended(what, tmp_path, window=window)
    begin_ns, end_ns = (run.manifest["window"][key] for key in ("begin_ns", "end_ns"))
    queries = run.queries()
    assert (end_ns - begin_ns) == 400_000_000
    for name in ("a", "b"):
        due = queries.loc[queries["pipeline"] == name, "due"]
        assert due.min() < begin_ns
        assert due.max() >= end_ns
    measured = queries[queries["measured"]]
    assert ((measured["due"] >= begin_ns) & (measured["due"] < end_ns)).all()
    assert set(measured["outcome"]) == {"done"}


def test_part_of_a_benchmark_keeps_placement_and_arrivals(tmp_path: Path) -> None:
    what = bench({"a": pipeline(load=POISSON), "b": pipeline()})
    whole, part = ended(what, tmp_path), ended(what, tmp_path, only=["a"])
    assert list(part.manifest["pipelines"]) == ["a"]
    places = [run.manifest["pipelines"]["a"]["placement"] for run in (whole, part)]
    assert places[0] == places[1]
    assert offsets(whole, "a") == offsets(part, "a")


def test_a_backlog_that_grows_is_found_and_the_run_stays_valid(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.02), load={"constant": {"rate": 150}})
    run = ended(bench({"a": slow}, stop={"seconds": 1.5}, timeouts={"drain": 10}), tmp_path)
    summary = run.summary()
    assert summary["pipelines"]["a"]["saturated"] is True
    assert summary["verdict"] == "VALID"


def test_a_backlog_above_its_limit_ends_the_load_and_is_said(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.05), load={"constant": {"rate": 2000}})
    what = bench(
        {"a": slow}, stop={"seconds": 20}, limits={"backlog": 100}, timeouts={"drain": 0.2}
    )
    run = ended(what, tmp_path)
    assert any("backlog" in reason for reason in run.manifest["reasons"])
    assert sum(outcomes(run, "a").values()) == len(offsets(run, "a"))


def test_a_stop_in_the_middle_leaves_a_whole_run(tmp_path: Path) -> None:
    what = bench(
        {"a": pipeline(sleep(0.01), load=POISSON), "b": pipeline(sleep(0.01))}, stop={"seconds": 60}
    )
    with going(what, tmp_path) as run:
        wait_for_rows(run, "b/completions", 3)
        run.stop()
    assert run.status == "stopped"
    assert set(outcomes(run, "a")) <= {"done", "cancelled"}
    assert sum(outcomes(run, "a").values()) == len(offsets(run, "a"))


def test_a_live_run_is_read_like_one_that_has_ended(tmp_path: Path) -> None:
    with going(bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 5)
        assert run.is_going
        assert run.summary()["pipelines"]["a"]["queries"] >= 5
        run.stop()


def test_tailing_in_pieces_gives_the_whole(tmp_path: Path) -> None:
    seen: dict[str, int] = {}
    cursor: dict[str, int] = {}

    def take(run: mlbench.Run) -> None:
        nonlocal cursor
        batches, cursor = run.tail(json.loads(json.dumps(cursor)))
        for stream, found in batches.items():
            seen[stream] = seen.get(stream, 0) + sum(batch.num_rows for batch in found)

    run = begin(bench({"a": pipeline(load=POISSON)}, stop={"seconds": 1}), tmp_path)
    eventually(lambda: run.manifest["pipelines"])
    while run.is_going:
        take(run)
    run.wait(30)
    take(run)
    whole = {key: sum(b.num_rows for b in found) for key, found in run.tail()[0].items()}
    assert seen == whole


def test_resources_are_opened_once_and_shared(tmp_path: Path) -> None:
    module = tmp_path / "counted.py"
    module.write_text(
        "from contextlib import contextmanager\n"
        "from mlbench import Resource, Ref, Stage\n"
        "class Counter(Resource):\n"
        "    @contextmanager\n"
        "    def open(self, context):\n"
        "        print('opened')\n"
        "        yield []\n"
        "class Add(Stage):\n"
        "    to: Ref\n"
        "    @contextmanager\n"
        "    def open(self, context):\n"
        "        shared = context.resource(self.to)\n"
        "        def add(payload):\n"
        "            shared.append(payload)\n"
        "            return id(shared)\n"
        "        yield add\n"
    )
    add = using("counted:Add", {"to": "$c"})
    what = bench(
        {"a": pipeline(add, add, resources={"c": {"uses": "counted:Counter"}})}, stop={"queries": 3}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        run = ended(what, tmp_path)
    assert (run.path / "pipelines/a/stderr.log").read_text().count("opened") == 1
    assert run.outputs()["output"].nunique() == 1


def test_a_stage_that_cannot_be_opened_ends_the_run_before_any_load(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from contextlib import contextmanager\nfrom mlbench import Stage\n"
        "class Broken(Stage):\n"
        "    @contextmanager\n"
        "    def open(self, context):\n"
        "        raise FileNotFoundError('no weights here')\n"
        "        yield\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        run = ended(bench({"a": pipeline(using("broken:Broken")), "b": pipeline()}), tmp_path)
    assert run.status == "failed"
    assert run.manifest["barrier_ns"] is None
    assert "no weights here" in run.manifest["pipelines"]["a"]["reason"]


def test_a_stage_of_a_script_travels_and_is_named_in_the_manifest(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(
        "import sys, mlbench as mb\n"
        "@mb.stage\n"
        "def twice(number: int, *, plus: int = 0) -> int:\n"
        "    return 2 * number + plus\n"
        "if __name__ == '__main__':\n"
        "    bench = mb.Benchmark(name='s', stop={'queries': 3}, pipelines={'a': {\n"
        "        'data': {'uses': 'synthetic.items', 'with': {'n': 3}, 'order': 'sequential'},\n"
        "        'stages': {'t': {'uses': twice, 'with': {'plus': 1}}}}})\n"
        "    run = mb.start(bench, out=sys.argv[1]).wait(60)\n"
        "    print(run.path)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    run = mlbench.open_run(done.stdout.strip())
    assert list(run.outputs()["output"]) == [1, 3, 5]
    assert list(run.manifest["local_code"]) == ["__main__:twice"]
    assert len(run.manifest["local_code"]["__main__:twice"]) == 16
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"cloudpickle.cloudpickle" in path.read_bytes()]
