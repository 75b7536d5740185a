"""Export: traces that Perfetto reads, tables that pandas reads, LaTeX."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlbench.errors import OutputError
from mlbench.export import FORMATS, export
from mlbench.export.latex import latex_of
from mlbench.export.printed import Printed, printed_tables


@pytest.fixture(scope="module")
def trace(run: Any, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    (path,) = export(run, "perfetto", tmp_path_factory.mktemp("trace"))
    document = json.loads(path.read_text())
    events: list[dict[str, Any]] = document["traceEvents"]
    return events


# -- perfetto ----------------------------------------------------------------------------


def test_every_span_of_the_run_is_in_the_trace(run: Any, trace: list[dict[str, Any]]) -> None:
    spans = run.spans()
    drawn = [event for event in trace if event.get("cat") == "span"]
    assert len(drawn) == len(spans)
    expected = ((spans["end"] - spans["start"]) / 1000).astype(float).sum()
    assert sum(event["dur"] for event in drawn) == pytest.approx(expected, rel=1e-6)


def test_a_flow_leads_from_inside_of_a_span_to_the_start_of_the_next(
    trace: list[dict[str, Any]],
) -> None:
    spans: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for event in trace:
        if event.get("cat") == "span":
            place = (event["pid"], event["tid"])
            spans.setdefault(place, []).append((event["ts"], event["ts"] + event["dur"]))
    starts = {(e["cat"], e["id"]): e for e in trace if e["ph"] == "s"}
    ends = {(e["cat"], e["id"]): e for e in trace if e["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert starts
    for key, start in starts.items():
        inside = spans[start["pid"], start["tid"]]
        assert any(begin <= start["ts"] <= end + 0.001 for begin, end in inside)
        begins = [begin for begin, _ in spans[ends[key]["pid"], ends[key]["tid"]]]
        assert ends[key]["ts"] in begins


def test_queries_last_from_their_intended_arrival_to_their_end(
    run: Any, trace: list[dict[str, Any]]
) -> None:
    begins = {(e["pid"], e["id"]): e for e in trace if e["ph"] == "b"}
    ends = {(e["pid"], e["id"]): e for e in trace if e["ph"] == "e"}
    assert begins.keys() == ends.keys()
    assert len(begins) == int(run.queries()["done"].notna().sum())
    for key, begin in begins.items():
        latency = begin["args"].get("latency_us")
        if latency is not None:
            assert ends[key]["ts"] - begin["ts"] == pytest.approx(latency, abs=0.002)


def test_telemetry_is_counters_and_phases_stand_above(trace: list[dict[str, Any]]) -> None:
    counters = [event for event in trace if event["ph"] == "C"]
    assert any("CPU" in event["name"] for event in counters)
    phases = [e["name"] for e in trace if e["ph"] == "X" and e["pid"] == 1]
    assert {"setup", "warm-up", "load"} <= set(phases)
    assert all(event["ts"] >= 0 for event in trace if "ts" in event)


def test_processes_and_threads_are_named(trace: list[dict[str, Any]]) -> None:
    named = {e["pid"]: e["args"]["name"] for e in trace if e["name"] == "process_name"}
    assert list(named.values())[1:] == ["search", 'b "quoted" <i>&']
    used = {(e["pid"], e["tid"]) for e in trace if e.get("cat") == "span"}
    threads = Counter((e["pid"], e["tid"]) for e in trace if e["name"] == "thread_name")
    assert used <= threads.keys()
    assert set(threads.values()) == {1}


def test_a_study_has_no_trace_and_says_which_run_has_one(study: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a trace is of one run.*blocks/000"):
        export(study, "perfetto", tmp_path)


# -- tables ------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_tables_come_back_whole(to: str, read: Any, run: Any, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export(run, to, tmp_path)}
    assert set(paths) == {"queries", "spans", "events", "samples", "outputs"}
    queries = read(paths["queries"])
    assert queries["latency_ns"].sum() == run.queries()["latency_ns"].sum()
    assert list(read(paths["spans"]).columns) == list(run.spans().columns)


def test_a_study_gives_its_estimates(study: Any, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export(study, "csv", tmp_path)}
    assert {"runs", "slowdown", "stages", "together"} <= set(paths)
    found = pd.read_csv(paths["slowdown"])
    assert found["estimate"].tolist() == pytest.approx(
        study.slowdown()["estimate"].tolist(), nan_ok=True
    )


# -- latex -------------------------------------------------------------------------------


def test_latex_escapes_what_it_would_act_on() -> None:
    text = latex_of(Printed("t", "50 % of $x$", ("a_b", "c"), (('"q" <i>&', "1"),)))
    assert r"\caption{50 \% of \$x\$}" in text
    assert r"a\_b & c \\" in text
    assert r"\textquotedblright{}q\textquotedblright{} \textless{}i\textgreater{}\& & 1 \\" in text


def test_latex_tables_use_booktabs_and_have_a_row_for_each_pipeline(
    study: Any, tmp_path: Path
) -> None:
    paths = {path.stem: path.read_text() for path in export(study, "latex", tmp_path)}
    table = paths["slowdown"]
    assert [rule for rule in (r"\toprule", r"\midrule", r"\bottomrule") if rule not in table] == []
    assert table.count(r" \\") == 1 + 2
    assert table.count("{") == table.count("}")
    assert "intervals over blocks" in table


def test_a_table_of_an_invalid_study_says_so_and_of_how_many_blocks_it_is(
    invalid_study: Any, tmp_path: Path
) -> None:
    for path in export(invalid_study, "latex", tmp_path):
        (caption,) = [line for line in path.read_text().splitlines() if r"\caption" in line]
        assert "INVALID: together has 2 VALID blocks of 2, fewer than 3" in caption
        assert r"Blocks counted: 2 of 2. In brackets 95 \% intervals over blocks" in caption


def test_the_means_stand_where_quantiles_have_too_few_queries(study: Any) -> None:
    tables = {table.name: table for table in printed_tables(study)}
    slowdown, stages = tables["slowdown"], tables["stages"]
    assert slowdown.rows[1][slowdown.columns.index("p90")] == "–"
    assert all("[" in row[slowdown.columns.index("mean latency")] for row in slowdown.rows)
    steps = [row for row in stages.rows if row[2] == "step"]
    assert all("[" in row[stages.columns.index("service mean")] for row in steps)
    assert "p90 needs 64 queries" in slowdown.caption
    assert "p99 needs 662 queries" in slowdown.caption


def test_a_table_and_the_study_have_the_same_statistic(study: Any) -> None:
    (table, *_) = printed_tables(study)
    means = study.slowdown().query("metric == 'latency_mean'")["estimate"]
    shown = [float(row[table.columns.index("mean latency")].split()[0]) for row in table.rows]
    assert shown == pytest.approx(means.tolist(), rel=5e-3)


def test_the_tables_of_a_run_have_means(run: Any) -> None:
    pipelines, stages = printed_tables(run)
    assert "mean (ms)" in pipelines.columns
    assert {"service mean (ms)", "queueing mean (ms)"} <= set(stages.columns)


def test_an_unknown_format_names_the_nearest(run: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="did you mean 'parquet'"):
        export(run, "parket", tmp_path)


def test_every_format_says_what_it_is() -> None:
    assert all(FORMATS.values())
