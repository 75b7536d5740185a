"""The tidy table: its columns and types, intervals over repeats, and what a notebook records."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sweep_support import notebook, plan

import mlbench as mb
from mlbench.stats import mean_interval
from mlbench.study.attempts import Attempts
from mlbench.study.judge import StudyVerdict
from mlbench.sweep.conduct import write_results
from mlbench.sweep.intervals import with_intervals
from mlbench.sweep.layout import RECORDED, point_directory, read_plan
from mlbench.sweep.measured import verdict_cells
from mlbench.sweep.opened import Sweep
from mlbench.sweep.planning import begin, extend
from mlbench.sweep.progress import SweepProgress
from mlbench.sweep.recording import record, recorded
from mlbench.sweep.state import (
    CONTAMINATED,
    DONE,
    FAILED,
    RUNNING,
    PointState,
    this_process,
    write_state,
)
from mlbench.sweep.table import COLUMNS, sweep_results

pytestmark = pytest.mark.unit


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two sets of parameters, three repeats; nothing is executed."""
    tiny = notebook(tmp_path / "tiny.ipynb")
    grid = {"grid": {"x": [1, 2]}, "fixed": {"names": ["a", "b"]}}
    return begin(plan(tiny, parameters=grid, repeats=3), tmp_path / "runs")


def finish(directory: Path, **values: Any) -> None:
    """Mark every point as done, with values that it has recorded: functions of x and repeat."""
    for point in read_plan(directory).points:
        write_state(directory, point.id, PointState(DONE, 1, began=0.0, provenance={"host": "h"}))
        found = {name: f(point.parameters["x"], point.repeat) for name, f in values.items()}
        (point_directory(directory, point.id) / RECORDED).write_text(json.dumps(found))


def test_a_sweep_of_which_nothing_is_executed_has_a_row_for_each_point(sweep: Path) -> None:
    table = sweep_results(sweep)
    assert table["status"].tolist() == ["planned"] * 6
    assert set(COLUMNS) <= set(table.columns)
    assert table["x"].tolist() == [1, 2, 1, 2, 1, 2]


def test_lists_are_json_texts(sweep: Path) -> None:
    assert set(sweep_results(sweep)["names"]) == {'["a", "b"]'}


def test_recorded_values_are_columns_of_their_types(sweep: Path) -> None:
    finish(sweep, loss=lambda x, r: x / 2, epoch=lambda x, r: r, kind=lambda x, r: "k")
    table = sweep_results(sweep)
    assert str(table["loss"].dtype) == "float64"
    assert str(table["epoch"].dtype) == "Int64"
    assert set(table["kind"]) == {"k"}
    assert "kind_low" not in table


def test_a_recorded_number_has_bounds_over_the_repeats_of_its_parameters(sweep: Path) -> None:
    finish(sweep, loss=lambda x, r: 10 * x + r)
    table = sweep_results(sweep)
    expected = mean_interval([10.0, 11.0, 12.0])
    rows = table[table["x"] == 1]
    assert set(rows["loss_low"]) == {expected.low}
    assert set(rows["loss_high"]) == {expected.high}


def test_a_name_that_is_taken_gets_a_prefix(tmp_path: Path) -> None:
    tiny = notebook(tmp_path / "a.ipynb", "pass", parameters="seed: int = 1\nx: int = 1")
    made = plan(tiny, parameters={"fixed": {"seed": 5, "x": 1}})
    directory = begin(made, tmp_path / "runs")
    finish(directory, x=lambda x, r: 9, host=lambda x, r: "mine")
    (row,) = sweep_results(directory).to_dict("records")
    assert (row["parameter_seed"], row["x"], row["recorded_x"]) == (5, 1, 9)
    assert (row["host"], row["recorded_host"]) == ("h", "mine")


def test_the_table_says_which_column_a_parameter_is(tmp_path: Path) -> None:
    tiny = notebook(tmp_path / "a.ipynb", "pass", parameters="cpus: int = 1\nx: int = 1")
    directory = begin(plan(tiny, parameters={"fixed": {"cpus": 5, "x": 1}}), tmp_path / "runs")
    finish(directory, x=lambda x, r: 9)
    expected = {
        "parameters": {"cpus": "parameter_cpus", "x": "x"},
        "recorded": {"x": "recorded_x"},
    }
    assert sweep_results(directory).attrs == expected
    assert pd.read_parquet(write_results(Sweep(directory))).attrs == expected
    summary = Sweep(directory).summary()
    assert summary["columns"] == expected
    (row,) = summary["rows"]
    assert (row["parameters"], row["recorded"]) == ({"cpus": 5, "x": 1}, {"x": 9})


def test_the_documentation_of_the_table_names_the_columns_that_it_has() -> None:
    told = str(sweep_results.__doc__)
    assert [name for name in COLUMNS if f"``{name}``" not in told] == []


VALID = StudyVerdict((), (), ("study.steal_share 1 instead of 0.01",), Attempts({}))
INVALID = StudyVerdict(("Too few.", "It drifts."), (), (), Attempts({}), needed=5)


def test_a_run_that_does_not_count_is_left_out_of_a_study_that_is_valid_without_it() -> None:
    kept, bad = {"verdict": "VALID"}, {"verdict": "INVALID", "reasons": "Late."}
    relaxed = {"relaxed": "study.steal_share 1 instead of 0.01", "needed_repeats": None}
    assert verdict_cells(VALID, kept) == {**relaxed, "left_out": False}
    assert verdict_cells(VALID, bad) == {**relaxed, "left_out": True}


def test_every_row_of_a_study_that_is_invalid_has_its_reasons() -> None:
    expected = {"relaxed": None, "needed_repeats": 5, "left_out": False, "verdict": "INVALID"}
    for row in ({"verdict": "VALID"}, {"verdict": "INVALID", "reasons": "Late."}):
        assert verdict_cells(INVALID, row) == {**expected, "reasons": "Too few. It drifts."}


def test_what_to_type_next_is_said_of_each_kind_of_end(sweep: Path) -> None:
    finish(sweep)
    assert Sweep(sweep).summary()["next"] == []
    first, second, third = (point.id for point in read_plan(sweep).points[:3])
    write_state(sweep, first, PointState(FAILED, 1, error={"kind": "E", "message": "no"}))
    again = f"mlbench sweep --resume {sweep}"
    failed = f"those that failed or timed out, again: {again} --failed"
    assert Sweep(sweep).summary()["next"] == [failed]
    write_state(sweep, second, PointState(CONTAMINATED, 2, began=0.0, reasons=("Others.",)))
    assert Sweep(sweep).summary()["next"] == [f"what is left: {again}", failed]
    write_state(sweep, second, PointState(CONTAMINATED, 3, began=0.0, reasons=("Others.",)))
    (sweep / "slurm").mkdir()
    assert Sweep(sweep).summary()["next"] == [
        f"those that failed or timed out, again: {again} --on slurm --failed",
        "those that others disturbed in all 3 attempts, again: set contamination.attempts in the "
        f"plan to more, and type mlbench sweep PLAN --resume {sweep} --on slurm",
    ]
    write_state(sweep, third, PointState(RUNNING, process=this_process()))
    assert Sweep(sweep).summary()["next"] == []


def test_points_that_others_disturbed_are_made_again_where_the_plan_allows_more(
    sweep: Path,
) -> None:
    finish(sweep)
    first = read_plan(sweep).points[0].id
    write_state(sweep, first, PointState(CONTAMINATED, 3, began=0.0, reasons=("Others.",)))
    assert Sweep(sweep).left == 0
    before = read_plan(sweep).plan
    limits = before.contamination.model_copy(update={"attempts": 4})
    extend(sweep, before.model_copy(update={"contamination": limits}))
    assert Sweep(sweep).left == 1


def test_metrics_have_intervals_of_their_logarithms(sweep: Path) -> None:
    rows = [
        {"point": f"p{r}", "combination": 0, "pipeline": "a", "throughput": value}
        for r, value in enumerate((1.0, 2.0, 4.0))
    ]
    found = with_intervals(rows, ["throughput"], [])
    expected = mean_interval([math.log(value) for value in (1.0, 2.0, 4.0)])
    assert expected.low is not None
    assert {row["throughput_low"] for row in found} == {math.exp(expected.low)}
    assert "throughput_low" not in rows[0]


def test_an_interval_of_a_study_is_kept(sweep: Path) -> None:
    own = {"stp_low": 1.0, "stp_high": 3.0}
    rows = [{"point": f"p{r}", "combination": 0, "stp": 2.0 + r, **own} for r in range(2)]
    assert [row["stp_low"] for row in with_intervals(rows, ["stp"], [])] == [1.0, 1.0]


def test_the_second_run_of_a_notebook_is_no_repeat_of_its_first() -> None:
    rows = [
        {"point": f"p{repeat}", "combination": 0, "pipeline": "a", "throughput": value}
        for repeat in range(2)
        for value in (1.0 + repeat / 100, 100.0 + repeat)
    ]
    found = with_intervals(rows, ["throughput"], [])
    assert found[0]["throughput_high"] < 10
    assert found[1]["throughput_low"] > 10


def test_a_table_goes_into_the_figure(sweep: Path) -> None:
    finish(sweep, loss=lambda x, r: 10 * x + r)
    chart = mb.figures.sweep(sweep_results(sweep), x="x", y="loss")
    assert chart.to_dict()


def test_the_verdict_of_a_sweep_has_a_reason_for_each_kind_of_end(sweep: Path) -> None:
    finish(sweep)
    assert Sweep(sweep).summary()["verdict"] == "VALID"
    first, second = (point.id for point in read_plan(sweep).points[:2])
    write_state(sweep, first, PointState(FAILED, 1, error={"kind": "E", "message": "no"}))
    write_state(sweep, second, PointState(CONTAMINATED, 3, began=0.0, reasons=("Others.",)))
    summary = Sweep(sweep).summary()
    assert summary["verdict"] == "INVALID"
    assert summary["reasons"] == ["Points that are failed: 1.", "Points that are contaminated: 1."]
    assert summary["failures"] == [
        {"point": first, "status": "failed", "error": {"kind": "E", "message": "no"}}
    ]
    row = sweep_results(sweep).set_index("point").loc[second]
    assert (row["verdict"], row["reasons"]) == ("INVALID", "Others.")


# -- what a notebook records -------------------------------------------------------------


@pytest.fixture
def point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLBENCH_POINT", str(tmp_path))
    return tmp_path


def test_a_value_is_recorded_and_the_last_one_counts(point: Path) -> None:
    record("loss", 2)
    record("loss", 0.5)
    record("name", "resnet")
    assert recorded(point) == {"loss": 0.5, "name": "resnet"}


def test_scalars_of_numpy_are_numbers_and_what_is_not_finite_is_null(point: Path) -> None:
    import numpy as np

    record("mean", np.float32(0.5))
    record("count", np.array(3))
    record("ratio", math.inf)
    assert recorded(point) == {"mean": 0.5, "count": 3, "ratio": None}


def test_a_list_is_no_value_of_a_column(point: Path) -> None:
    with pytest.raises(TypeError, match="record 'losses': expected a number"):
        record("losses", [1, 2])
    assert recorded(point) == {}


def test_outside_of_a_sweep_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLBENCH_POINT", raising=False)
    monkeypatch.chdir(tmp_path)
    record("loss", 1)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


# -- in a notebook -----------------------------------------------------------------------


def test_progress_is_read_from_the_directory(sweep: Path) -> None:
    progress = SweepProgress(sweep, period_s=0)
    bar, text = progress.box.children
    assert (bar.value, bar.max) == (0, 6)
    first = read_plan(sweep).points[0].id
    write_state(sweep, first, PointState(FAILED, 1))
    assert progress.update() == "stopped"
    assert bar.value == 1
    assert "1 failed, 5 waiting" in text.value
    progress.close()


def test_what_was_disturbed_or_failed_is_no_part_of_an_interval() -> None:
    kinds = [("done", "VALID", 10.0), ("done", "VALID", 10.1), ("contaminated", "INVALID", 1.0)]
    rows = [
        {"point": str(n), "combination": 0, "status": status, "verdict": told, "rate": value}
        for n, (status, told, value) in enumerate(kinds)
    ]
    first, _, last = with_intervals(rows, ["rate"], [])
    assert first["rate_low"] > 9
    assert "rate_low" not in last
