"""Wrong and poor input: a figure that says so, or one clear error that says what to do."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_data import (
    HOSTILE,
    closed_traffic,
    group_study,
    load_table,
    open_traffic,
    sweep_table,
)
from recorded import Made, Plan, run_written
from virtual import served

from mlbench import figures
from mlbench.errors import FigureError
from mlbench.figures.attributed import energy_of
from mlbench.figures.charts.latency import curves_of
from mlbench.figures.pdf import content_of
from mlbench.figures.saving import save as save_chart
from mlbench.figures.source import source_of
from mlbench.figures.table import is_left_out
from mlbench.run import Run
from mlbench.spec import Benchmark, Window
from mlbench.study.study import Study

PIPELINE = {
    "data": {"uses": "synthetic.items"},
    "stages": {"step": {"uses": "synthetic.noop"}},
}


def written(path: Path, traffic: dict[str, Any], status: str = "done") -> Run:
    """A run directory of these pipelines."""
    bench = Benchmark.model_validate(
        {"name": "made", "pipelines": dict.fromkeys(traffic, PIPELINE)}
    )
    run_written(path / "run", bench, Made(traffic, status=status), 0, Window(settle=0, seconds=10))
    return Run(path / "run")


def words(chart: Any, tmp_path: Path) -> str:
    """The text of the figure, as a PDF has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", figures.FigureWarning)
        path = save_chart(chart, tmp_path / "figure.pdf", venue="acmart").path
    return "".join(content_of(path.read_bytes()).text)


# -- runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["latency", "breakdown", "spans", "timeline", "graph", "load"])
def test_a_run_without_pipelines_is_one_clear_error(name: str, tmp_path: Path) -> None:
    run = written(tmp_path, {})
    with pytest.raises(FigureError, match=rf"{name}: .*(no pipelines|neither|has an open load)"):
        getattr(figures, name)(run)


@pytest.mark.parametrize("name", ["latency", "breakdown", "spans"])
def test_a_run_in_which_nothing_was_done_is_one_clear_error(name: str, tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": served([], [])})
    with pytest.raises(FigureError, match=rf"{name}: .*no (query|spans)"):
        getattr(figures, name)(run)


def test_failed_queries_are_said_and_end_the_curve_early(tmp_path: Path) -> None:
    due = np.arange(200) * 10_000_000
    run = written(tmp_path, {"rag": served(due, 1_000_000, failed=range(100))})
    chart = figures.latency(run)
    assert "n = 200 (100 failed)" in chart.to_dict()["usermeta"]["mlbench"]["caption"]
    assert "p50" in words(chart, tmp_path)
    assert "p90" not in words(chart, tmp_path)


def test_forty_pipelines_are_drawn(tmp_path: Path) -> None:
    names = [f"pipeline-{number:02d}" for number in range(40)]
    run = written(tmp_path, {name: open_traffic(i, 4.0, 60) for i, name in enumerate(names)})
    said = words(figures.latency(run), tmp_path)
    assert all(name in said for name in names)
    assert len(figures.breakdown(run).vconcat) == 2 * len(names)


def test_a_run_without_samples_has_a_timeline_of_its_stages(tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": open_traffic(1, 4.0, 60)})
    chart = figures.timeline(run)
    assert "No samples." in chart.to_dict()["usermeta"]["mlbench"]["caption"]
    assert "step" in words(chart, tmp_path)


def test_a_metric_that_was_not_recorded_names_the_nearest(run: Any) -> None:
    with pytest.raises(FigureError, match=r"no samples of 'cpu_tme'.*did you mean 'cpu_time'"):
        figures.timeline(run, metrics=["cpu_tme"])


def test_a_stretch_without_spans_says_so(run: Any) -> None:
    with pytest.raises(FigureError, match="no spans in that stretch"):
        figures.spans(run, start_s=900, seconds=1)


def test_an_invalid_run_is_called_so_in_the_caption(tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": open_traffic(1, 4.0, 60)}, status="stopped")
    caption = figures.latency(run).to_dict()["usermeta"]["mlbench"]["caption"]
    assert "The run is INVALID: " in caption


def test_an_invalid_run_is_marked_in_the_picture_and_found_by_preflight(tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": open_traffic(1, 4.0, 60)}, status="stopped")
    for name in ("latency", "breakdown", "graph"):
        chart = getattr(figures, name)(run)
        assert "INVALID: " in words(chart, tmp_path)
        (found,) = figures.preflight(chart)
        assert found.text.startswith("The run is INVALID: ")
    assert figures.latency(run).to_dict()["title"]["text"] == "Latency: INVALID"


def test_too_few_queries_for_a_median_are_dots_without_a_curve(tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": open_traffic(1, 4.0, 400), "train": closed_traffic(1, 4000)})
    chart = figures.latency(run)
    assert "Hollow: fewer than 11 queries" in chart.to_dict()["usermeta"]["mlbench"]["caption"]
    (found,) = figures.preflight(chart)
    assert "train has 3 queries, a median needs 11" in found.text


def test_one_rate_is_no_figure_of_load(tmp_path: Path) -> None:
    run = written(tmp_path, {"rag": open_traffic(1, 4.0, 900)})
    with pytest.raises(FigureError, match="each ran at one offered rate: give runs at several"):
        figures.load(run)


# -- studies -----------------------------------------------------------------------------


def with_a_bad_block(path: Path) -> Study:
    """Four blocks, of which the last has a run that does not count and is ten times slower."""
    fast = [open_traffic(i, 4.0, 900) for i in range(4)]
    slow = [open_traffic(i, 40.0 if i == 3 else 6.0, 900) for i in range(4)]
    blocks = [
        {"alone-rag": Made({"rag": one}), "together": Made({"rag": two})}
        for one, two in zip(fast, slow, strict=True)
    ]
    blocks[3]["together"] = Made({"rag": slow[3]}, verdict="INVALID", told=["Others were there."])
    return Plan(blocks).write(path)


def test_figures_have_the_blocks_and_the_numbers_of_the_table(tmp_path: Path) -> None:
    study = with_a_bad_block(tmp_path / "study")
    table = study.slowdown().set_index("metric")
    source = source_of(study, "latency")
    assert {each.block for each in source.observed} == {0, 1, 2}
    for side, curve in zip(("isolated", "collocated"), curves_of(source), strict=True):
        p50, p90 = (float(curve.at(np.array([share]))[0]) / 1e6 for share in (0.5, 0.9))
        assert p50 == pytest.approx(table.loc["latency_p50", side])
        assert p90 == pytest.approx(table.loc["latency_p90", side])
    for draw in (figures.latency, figures.breakdown, figures.slowdown):
        caption = draw(study).to_dict()["usermeta"]["mlbench"]["caption"]
        assert "3 VALID of 4 blocks" in caption
    ratio = table.loc["latency_mean", "estimate"]
    assert f"{ratio:.2f}×" in words(figures.breakdown(study), tmp_path)


def test_a_study_of_which_no_block_counts_is_one_clear_error(tmp_path: Path) -> None:
    traffic = {"rag": open_traffic(1, 4.0, 90)}
    bad = Made(traffic, verdict="INVALID", told=["Others were there."])
    study = Plan([{"alone-rag": Made(traffic), "together": bad}]).write(tmp_path / "study")
    with pytest.raises(FigureError, match=r"no block in which both .* VALID to draw") as raised:
        figures.latency(study)
    assert f"`mlbench show {study.path}` says why" in str(raised.value)
    assert "INVALID: " in words(figures.slowdown(study), tmp_path)


def test_latencies_without_a_number_are_one_row(tmp_path: Path) -> None:
    study = group_study(tmp_path / "study", blocks=3)
    said = words(figures.slowdown(study), tmp_path)
    assert "latency mean" in said
    assert "throughput loss" in said
    assert "collocated / isolated" not in said


def test_one_repeat_has_no_interval_and_is_drawn(tmp_path: Path) -> None:
    study = group_study(tmp_path / "study", blocks=1)
    said = words(figures.slowdown(study), tmp_path)
    assert "latency p50" in said
    assert "×" in said
    caption = figures.slowdown(study).to_dict()["usermeta"]["mlbench"]["caption"]
    assert "The study is INVALID: " in caption


def test_a_null_is_said_in_its_row(group: Any, tmp_path: Path) -> None:
    assert "alone: p99 needs 662 queries" in words(figures.slowdown(group), tmp_path)


def test_a_study_without_any_block_is_one_clear_error(tmp_path: Path) -> None:
    block = {"alone-rag": Made({"rag": served([], [])}, status="failed", verdict="INVALID")}
    study = Plan([block]).write(tmp_path / "study")
    with pytest.raises(FigureError, match="no collocated run to compare yet"):
        figures.slowdown(study)


@pytest.mark.parametrize(("name", "design"), [("matrix", "pairs"), ("sensitivity", "against")])
def test_a_study_of_another_design_says_which_is_needed(name: str, design: str, group: Any) -> None:
    study = group
    if name == "matrix":
        study = _three_together(group)
    with pytest.raises(FigureError, match=f"design: {design}"):
        getattr(figures, name)(study)


def _three_together(group: Any) -> Any:
    names = ("a", "b", "c")
    traffic = {name: open_traffic(i, 3.0, 60) for i, name in enumerate(names)}
    block = {f"alone-{n}": Made({n: t}) for n, t in traffic.items()}
    return Plan([{**block, "together": Made(traffic)}]).write(group.path.parent / "three")


@pytest.mark.parametrize("name", ["slowdown", "matrix", "sensitivity"])
def test_a_run_where_a_study_is_needed_says_so(name: str, run: Any) -> None:
    with pytest.raises(FigureError, match=f"{name} needs a study, got Run"):
        getattr(figures, name)(run)


def test_an_unknown_metric_lists_those_that_there_are(pairs: Any) -> None:
    with pytest.raises(FigureError, match="known: latency_mean, latency_p50"):
        figures.matrix(pairs, metric="p50")


@pytest.mark.parametrize("name", ["timeline", "spans", "latency", "breakdown", "graph", "load"])
def test_what_is_no_run_is_refused_with_what_to_type(name: str) -> None:
    with pytest.raises(FigureError, match=f"{name} needs a .*got str"):
        getattr(figures, name)("runs/x")


@pytest.mark.parametrize("draw", [figures.latency, figures.breakdown])
def test_one_of_several_treatments_is_drawn_and_named(draw: Any, pairs: Any) -> None:
    def caption(**options: str) -> str:
        said: str = draw(pairs, **options).to_dict()["usermeta"]["mlbench"]["caption"]
        return said

    names = [each.name for each in pairs.manifest.treatments if each.role == "collocated"]
    assert f"Collocated: {names[-1]}, one of 3 treatments." in caption()
    assert f"Collocated: {names[0]}, one of 3 treatments." in caption(treatment=names[0])
    with pytest.raises(FigureError, match="no collocated treatment 'x'"):
        caption(treatment="x")


# -- tables ------------------------------------------------------------------------------


def judged(*verdicts: str) -> pd.DataFrame:
    """A row of a sweep for each verdict, at rates 1, 2, 3; INVALID ones are far too slow."""
    return pd.DataFrame(
        {
            "pipelines.rag.load.rate": [1 + row // 2 for row in range(len(verdicts))],
            "latency_p50_ms": [10.0 if word == "VALID" else 900.0 for word in verdicts],
            "verdict": verdicts,
        }
    )


def test_invalid_rows_of_a_sweep_are_left_out_and_hollow_where_they_are_alone() -> None:
    chart = figures.sweep(judged("VALID", "INVALID", "INVALID"), x="rate", y="latency_p50_ms")
    spec = chart.to_dict()
    points = [row for rows in spec["datasets"].values() for row in rows if "estimate" in row]
    assert {(row["x"], row["estimate"], row["hollow"]) for row in points} == {
        (1.0, 10.0, False),
        (2.0, 900.0, True),
    }
    told = "2 of 3 rows do not count, because they are INVALID; hollow points are of them alone"
    assert told in spec["usermeta"]["mlbench"]["caption"]
    assert [finding.text for finding in figures.preflight(chart)] == [told]


def test_a_sweep_of_invalid_rows_alone_is_marked(tmp_path: Path) -> None:
    chart = figures.sweep(judged("INVALID", "INVALID"), x="rate", y="latency_p50_ms")
    assert "All 2 rows are INVALID." in words(chart, tmp_path)


def test_contaminated_and_left_out_rows_do_not_count() -> None:
    table = judged("VALID", "VALID", "VALID").assign(
        status=["contaminated", "done", "done"], left_out=[False, True, None]
    )
    assert is_left_out(table).tolist() == [True, True, False]


def test_axes_of_a_sweep_have_short_names_and_units(tmp_path: Path) -> None:
    said = words(figures.sweep(judged("VALID"), x="rate", y="latency_p50_ms"), tmp_path)
    assert "latency p50 (ms)" in said
    assert "pipelines." not in said
    both = judged("VALID").assign(**{"pipelines.train.load.rate": 1})
    with pytest.raises(FigureError, match=r"several columns end in 'rate': pipelines\.rag"):
        figures.sweep(both, x="rate", y="latency_p50_ms")


def test_what_is_alone_and_together_in_a_sweep_are_two_lines(tmp_path: Path) -> None:
    table = judged("VALID", "VALID").assign(pipeline="rag", role=["isolated", "collocated"])
    said = words(figures.sweep(table, x="rate", y="latency_p50_ms"), tmp_path)
    assert "rag isolated" in said
    assert "rag collocated" in said


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(FigureError, match=r"no column 'rat' .*did you mean 'rate'"):
        figures.sweep(sweep_table(), x="rat", y="latency_ms")


def test_an_empty_table_is_one_clear_error() -> None:
    with pytest.raises(FigureError, match="sweep: the table has no rows"):
        figures.sweep(sweep_table()[:0], x="rate", y="latency_ms")


def test_text_where_numbers_belong_is_one_clear_error() -> None:
    table = pd.DataFrame({"rate": [1], "latency_ms": ["fast"]})
    with pytest.raises(FigureError, match="'latency_ms' has values that are no numbers"):
        figures.sweep(table, x="rate", y="latency_ms")


def test_nulls_in_a_table_are_counted_in_the_caption() -> None:
    table = sweep_table()
    table.loc[:4, "latency_ms"] = np.nan
    chart = figures.sweep(table, x="rate", y="latency_ms")
    assert "5 rows have no value" in chart.to_dict()["usermeta"]["mlbench"]["caption"]


def test_a_table_without_any_number_is_one_clear_error() -> None:
    table = sweep_table().assign(latency_ms=np.nan)
    with pytest.raises(FigureError, match="no row has a number of 'latency_ms'"):
        figures.sweep(table, x="rate", y="latency_ms")


def attributed(device: str, models: Sequence[str], joules: float | None = 3.0) -> pd.DataFrame:
    """Rows as ``run.attribution()`` has them: a pipeline with a stage, and idle."""
    parts = (("pipeline", "a", None), ("stage", "a", "step"), ("idle", "idle", None))
    rows = [
        {"resource": resource, "device": device, "part": part, "pipeline": pipeline,
         "stage": stage, "model": model, "value": joules, "reason": "no sensor"}
        for resource in ("energy_j", "cpu_s")
        for model in models
        for part, pipeline, stage in parts
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_energy_is_drawn_from_an_attribution() -> None:
    two = pd.concat([attributed("cuda:0", ["equal", "sm"]), attributed("cuda:1", ["sm", "equal"])])
    rows = energy_of(two).set_index(["pipeline", "stage", "model"])["joules"]
    assert rows["a", "step", "sm"] == 6.0
    assert len(rows) == 6
    caption = figures.energy(two).to_dict()["usermeta"]["mlbench"]["caption"]
    assert "2 models (equal and sm)" in caption


def test_devices_with_different_models_are_not_added_up() -> None:
    two = pd.concat([attributed("cuda:0", ["equal"]), attributed("package:0", ["cpu_time"])])
    with pytest.raises(FigureError, match="cuda:0 and package:0 are attributed by different"):
        figures.energy(two)


def test_energy_that_nobody_measured_says_why() -> None:
    with pytest.raises(FigureError, match="no energy is attributed: no sensor"):
        figures.energy(attributed("cuda:0", ["equal"], None))


def test_a_run_is_asked_for_its_attribution(run: Any) -> None:
    """This one was made without a sensor, or with one: either way there is an answer."""
    told = run.attribution()
    if told["value"][told["resource"] == "energy_j"].notna().any():
        assert figures.energy(run).to_dict()["usermeta"]["mlbench"]["runs"] == [run.id]
    else:
        with pytest.raises(FigureError, match="no energy is attributed"):
            figures.energy(run)


def test_one_model_of_energy_has_no_spread() -> None:
    table = pd.DataFrame({"pipeline": ["a"], "stage": [None], "model": ["equal"], "joules": [3.0]})
    chart = figures.energy(table)
    assert "One model: no spread." in chart.to_dict()["usermeta"]["mlbench"]["caption"]


def test_parameters_that_are_words_keep_their_order(tmp_path: Path) -> None:
    table = pd.DataFrame({"sharing": ["none", "mps", "mig"], "p99": [1.0, 3.0, 2.0]})
    said = words(figures.sweep(table, x="sharing", y="p99"), tmp_path)
    assert said.index("none") < said.index("mps") < said.index("mig")


def test_hostile_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    table = load_table().replace({"pipeline": {"rank": HOSTILE}})
    assert HOSTILE in words(figures.load(table), tmp_path)
