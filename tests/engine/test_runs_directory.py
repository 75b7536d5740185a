"""What stands in a run directory: one run, and every file of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from runs_support import NOOP, bench, ended, items, of, pipeline, using

from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, FORMAT, SPANS, TABLES, Phase, Table
from mlbench.run import Run
from mlbench.seed import item_order, stream
from mlbench.spec import Request
from mlbench.store.stream import schema_of

POISSON = {"poisson": {"rate": 200}}
BENCH = bench(
    {
        "open": pipeline(using("runs_stages:Says"), NOOP, load=POISSON, warmup={"queries": 4}),
        "closed": pipeline(using("runs_stages:loud"), outputs="none", stop={"queries": 30}),
        "threads": pipeline(NOOP, NOOP, load=POISSON, execution="pipelined"),
    },
    seed=5,
)
NAMES = tuple(BENCH.pipelines)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ended(BENCH, tmp_path_factory.mktemp("runs"))


def table(run: Run, what: Table, name: str | None = None) -> pa.Table:
    """A stream as plain pyarrow reads it, without mlbench."""
    folder = run.path if name is None else run.path / "pipelines" / name
    with pa.OSFile(str(folder / f"{what.name}.arrow")) as file:
        return pa.ipc.open_stream(file).read_all()


def test_it_holds_these_files_and_no_other(run: Run) -> None:
    found = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}
    of_run = {"spec.json", "run.json", "dispatch.arrow", "log.jsonl", "engine.log"}
    of_each = {f"{each.name}.arrow" for each in (COMPLETIONS, SPANS, EVENTS)}
    of_each |= {"outputs.jsonl", "stderr.log"}
    assert found - {"samples.arrow"} == of_run | {
        f"pipelines/{name}/{file}" for name in NAMES for file in of_each
    }


def test_the_streams_have_the_documented_schemas_and_no_dictionaries(run: Run) -> None:
    assert table(run, DISPATCH).schema == schema_of(DISPATCH)
    for name in NAMES:
        for each in (COMPLETIONS, SPANS, EVENTS):
            assert table(run, each, name).schema == schema_of(each)
    kinds = {column.kind for each in TABLES.values() for column in each.columns}
    assert kinds == {"int64", "int32", "float64", "utf8", "list<int64>"}


def test_spec_json_is_the_request_that_was_made(run: Run) -> None:
    request = Request.model_validate(json.loads((run.path / "spec.json").read_text()))
    assert request.bench == BENCH
    assert (request.only, request.block, request.window) == (None, 0, None)


def test_run_json_says_what_was_found_and_done(run: Run) -> None:
    manifest = json.loads((run.path / "run.json").read_text())
    assert (manifest["format"], manifest["status"], manifest["reasons"]) == (FORMAT, "done", [])
    assert tuple(manifest["pipelines"]) == NAMES
    assert manifest["units"]["spans"]["ready"] == "ns, its input was there"
    assert manifest["machine"]
    assert set(manifest["harness"]) >= {"driver", "recorder"}
    for edge in ("begin", "end"):
        assert set(manifest["clock"][edge]) == {"monotonic_ns", "realtime_ns"}


def test_phases_follow_each_other_and_share_their_edges(run: Run) -> None:
    phases = run.manifest["phases"]
    assert [phase["name"] for phase in phases] == ["setup", "warm-up", "load", "drain"]
    ends = [phase["end_ns"] for phase in phases]
    assert ends[:-1] == [phase["start_ns"] for phase in phases[1:]]


def test_every_pipeline_is_described(run: Run) -> None:
    for name, entry in run.manifest["pipelines"].items():
        assert entry["status"] == "done", name
        assert entry["stages"] == [*BENCH.pipelines[name].stages, "data"]
        assert entry["placement"]["cpus"]
        assert entry["peak_memory_bytes"] > 0
        assert entry["cpu_ns"] > 0


def test_the_log_is_one_event_a_line_and_names_every_process(run: Run) -> None:
    lines = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    times = [line["t_ns"] for line in lines]
    started = {line["process"] for line in lines if line["event"] == "started"}
    exited = {line["process"]: line["status"] for line in lines if line["event"] == "exited"}
    assert times == sorted(times)
    assert started >= {*NAMES, "driver"}
    assert set(exited.values()) == {0}
    assert set(exited) >= {*NAMES, "driver", "recorder"}


def test_what_takes_long_is_done_before_the_barrier(run: Run) -> None:
    lines = [json.loads(line) for line in (run.path / "log.jsonl").read_text().splitlines()]
    before = [line for line in lines if line.get("kind") in ("ready", "warm", "prepared")]
    assert {(line["process"], line["kind"]) for line in before} >= {
        *((name, kind) for name in NAMES for kind in ("ready", "warm")),
        ("driver", "prepared"),
    }
    assert max(line["t_ns"] for line in before) < run.manifest["barrier_ns"]


def test_dispatch_has_the_open_loads_only(run: Run) -> None:
    codes = table(run, DISPATCH)["pipeline"].to_pylist()
    assert set(codes) == {NAMES.index("open"), NAMES.index("threads")}


@pytest.mark.parametrize("name", ["open", "threads"])
def test_the_worker_keeps_the_stamps_of_the_driver(run: Run, name: str) -> None:
    sent = table(run, DISPATCH).to_pandas()
    sent = sent[sent["pipeline"] == NAMES.index(name)].set_index("query")
    taken = load_phase(run, name).set_index("query").sort_index()
    assert (taken[["item", "due", "sent"]] == sent[["item", "due", "sent"]]).all(axis=None)
    assert len(taken) == len(sent)


@pytest.mark.parametrize("name", NAMES)
def test_stamps_come_in_order(run: Run, name: str) -> None:
    stamps = load_phase(run, name)[["due", "sent", "received", "started", "done"]]
    assert (stamps.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_latency_is_lateness_and_queueing_and_service_to_the_nanosecond(
    run: Run, name: str
) -> None:
    queries = of(run.queries(), name)
    parts = queries["lateness_ns"] + queries["queueing_ns"] + queries["service_ns"]
    assert (parts == queries["latency_ns"]).all()
    assert (queries["latency_ns"] == queries["done"] - queries["due"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_span_is_ready_when_its_parent_ends(run: Run, name: str) -> None:
    spans = of(run.spans(), name).set_index("span")
    first = spans[spans["stage"] == "data"]
    assert (first["parents"].map(len) == 0).all()
    rest = spans[spans["stage"] != "data"]
    parents = [int(each[0]) for each in rest["parents"]]
    assert list(rest["ready"]) == list(spans.loc[parents, "end"])
    assert ((rest["ready"] <= rest["start"]) & (rest["start"] <= rest["end"])).all()


def test_warm_up_goes_through_the_data_in_an_order_of_its_own(run: Run) -> None:
    rows = table(run, COMPLETIONS, "open").to_pandas()
    warm = rows[rows["phase"] == Phase.WARMUP].sort_values("query", ascending=False)
    assert list(warm["query"]) == [-1, -2, -3, -4]
    assert list(warm["item"]) == shuffled("open", "warm-up", 4)
    assert items(run, "open")[:10] == shuffled("open", "load", 10)
    assert (warm["done"] < run.manifest["barrier_ns"]).all()
    assert set(of(run.spans(), "open")["query"].loc[lambda query: query < 0]) == {-1, -2, -3, -4}
    assert of(run.queries(), "open")["query"].min() == 0


def shuffled(name: str, phase: str, count: int) -> list[int]:
    """The items that the seed says."""
    order = item_order(10, True, stream(BENCH.seed, "items", name, 0, phase))
    return [next(order) for _ in range(count)]


def test_events_lie_in_their_spans_and_keep_their_order(run: Run) -> None:
    events = of(run.events(), "open")
    spans = of(run.spans(), "open").set_index("span")
    around = spans.loc[events["span"].astype(int)]
    assert set(around["stage"]) == {"s0"}
    assert (around["start"].to_numpy() <= events["t"].to_numpy()).all()
    assert (events["t"].to_numpy() <= around["end"].to_numpy()).all()
    assert list(events["name"])[:4] == ["first token", "tokens"] * 2
    assert events.loc[events["name"] == "tokens", "value"].unique().tolist() == [17.0]
    assert np.isnan(events.loc[events["name"] == "first token", "value"]).all()


def test_outputs_have_a_row_for_each_query_and_sink(run: Run) -> None:
    outputs = of(run.outputs(), "open")
    assert list(outputs["query"]) == list(of(run.queries(), "open")["query"])
    assert list(outputs["output"]) == items(run, "open")
    assert set(outputs["sink"]) == {"s1"}


def test_outputs_are_left_out_where_the_spec_says_so(run: Run) -> None:
    assert (run.path / "pipelines/closed/outputs.jsonl").read_text() == ""


def test_what_a_stage_prints_is_in_its_log(run: Run) -> None:
    log = (run.path / "pipelines/closed/stderr.log").read_text()
    assert log.count("printed by a stage") == 30 + 1  # and one of warm-up
    assert (run.path / "engine.log").read_text() == ""


def test_the_summary_is_strict_json(run: Run) -> None:
    summary = json.loads(json.dumps(run.summary(), allow_nan=False))
    assert summary["verdict"] == "VALID", summary["reasons"]
    assert summary["pipelines"]["closed"]["outcomes"]["done"] == 30


def load_phase(run: Run, name: str) -> pd.DataFrame:
    """The completions of the load, as they stand on the disk."""
    rows: Any = table(run, COMPLETIONS, name).to_pandas()
    frame: pd.DataFrame = rows[rows["phase"] == Phase.LOAD]
    return frame


def test_a_copy_in_another_place_reads_the_same(run: Run, tmp_path: Path) -> None:
    import shutil

    copy = Run(shutil.copytree(run.path, tmp_path / "elsewhere"))
    pd.testing.assert_frame_equal(copy.queries(), run.queries())
    assert {**copy.summary(), "run": run.id} == run.summary()
