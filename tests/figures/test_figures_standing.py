"""What a figure says of a source that is saturated, or VALID by relaxed limits alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_data import load_table, open_traffic, tradeoff_table
from recorded import Made, Plan
from virtual import MS, SECOND, Traffic, served

from mlbench import figures
from mlbench.errors import FigureError
from mlbench.study.study import Study

pytestmark = pytest.mark.unit


def about(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = chart.to_dict()["usermeta"]["mlbench"]
    return found


def texts(chart: Any) -> list[str]:
    """The names of a key, and the words that stand in a picture."""

    def under(node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(text := node.get("text"), str):
                yield text
            for each in node.values():
                yield from under(each)
        elif isinstance(node, list):
            for each in node:
                yield from under(each)

    spec = chart.to_dict()
    names = [row["name"] for rows in spec["datasets"].values() for row in rows if "name" in row]
    return [*names, *under(spec)]


# -- relaxed limits ----------------------------------------------------------------------

LIMITS = "Relaxed limits: study.min_blocks 1 instead of 3."


def tradeoff(study: Study) -> Any:
    """By a quantile that these studies have."""
    return figures.tradeoff(study, metric="latency_p50")


@pytest.mark.parametrize("draw", [figures.slowdown, figures.latency, figures.breakdown, tradeoff])
def test_a_figure_says_which_limits_were_relaxed(draw: Callable[[Study], Any], group: Any) -> None:
    strict = draw(group)
    loose = draw(relaxed_copy(group))
    assert "Relaxed limits" not in about(strict)["caption"]
    assert about(loose)["caption"].endswith(LIMITS)
    assert about(loose)["invalid"] == ""


def relaxed_copy(study: Study) -> Study:
    """The same runs, of a spec that lets more pass."""
    path = study.path.with_name(f"{study.path.name}-relaxed")
    if not path.exists():
        shutil.copytree(study.path, path)
        manifest = json.loads((path / "study.json").read_text())
        manifest["spec"].setdefault("study", {})["min_blocks"] = 1
        (path / "study.json").write_text(json.dumps(manifest))
    return Study(path)


@pytest.mark.parametrize(
    ("draw", "name"), [(figures.matrix, "pairs"), (figures.sensitivity, "against")]
)
def test_so_does_one_of_another_design(draw: Any, name: str, request: Any) -> None:
    study = request.getfixturevalue(name)
    assert about(draw(relaxed_copy(study)))["caption"].endswith(LIMITS)


def test_figures_of_a_table_have_the_limits_that_stand_in_it_each_once() -> None:
    words = ["study.min_blocks 1 instead of 3", "study.min_blocks 1 instead of 3; limits.x 2", None]
    table = pd.DataFrame({"rate": [1, 2, 3], "latency_ms": [1.0, 2.0, 3.0], "relaxed": words})
    caption = about(figures.sweep(table, x="rate", y="latency_ms"))["caption"]
    assert caption.endswith("Relaxed limits: study.min_blocks 1 instead of 3; limits.x 2.")
    loaded = load_table().assign(relaxed=words[0])
    assert about(figures.load(loaded))["caption"].endswith(LIMITS)


# -- saturated ---------------------------------------------------------------------------


def overloaded() -> Traffic:
    """Two queries are due where one is served."""
    due = np.arange(1000) * (10 * SECOND // 1000)
    return served(due, 20 * MS, end_ns=10 * SECOND)


def test_a_saturated_point_of_the_load_figure_is_an_arrow_at_the_upper_edge() -> None:
    table = load_table()
    chart = figures.load(table)
    assert "↑: 2 saturated points, which have no steady latency." in about(chart)["caption"]
    rates = set(table["offered_rate"][table["saturated"]])
    rows = [row for rows in chart.to_dict()["datasets"].values() for row in rows]
    marked = [row["x"] for row in rows if "x" in row and "estimate" not in row]
    assert set(marked) == rates
    assert "↑" not in texts(figures.load(table[~table["saturated"]]))
    with pytest.raises(FigureError, match="all pipelines with an open load were saturated"):
        figures.load(table[table["saturated"]])


def test_a_saturated_latency_of_a_sweep_has_an_arrow_and_its_throughput_none() -> None:
    table = pd.DataFrame(
        {
            "rate": [1.0, 2.0, 3.0],
            "latency_p50_ms": [1.0, 2.0, 90.0],
            "throughput": [1.0, 2.0, 2.2],
            "saturated": [False, None, True],
        }
    )
    chart = figures.sweep(table, x="rate", y="latency_p50_ms")
    assert "↑: saturated, so the value depends on how long one looked." in about(chart)["caption"]
    assert "↑" in texts(chart)
    steady = figures.sweep(table, x="rate", y="throughput")
    assert "saturated" not in about(steady)["caption"]
    assert "↑" not in texts(steady)


def test_a_saturated_curve_is_called_so_in_the_key_and_in_the_caption(tmp_path: Path) -> None:
    block = {
        "alone-rag": Made({"rag": open_traffic(1, 4.0, 300)}),
        "together": Made({"rag": overloaded()}),
    }
    study = Plan([block]).write(tmp_path / "study")
    chart = figures.latency(study)
    said = "Saturated: rag collocated; latency then depends on how long one looked."
    assert said in about(chart)["caption"]
    assert {"rag isolated", "rag collocated (saturated)"} <= set(texts(chart))
    assert said in about(figures.breakdown(study))["caption"]


# -- words -------------------------------------------------------------------------------


def test_throughput_has_a_loss_and_no_inflation(group: Any) -> None:
    chart = figures.tradeoff(group, metric="throughput")
    told = about(chart)
    assert "inflation" not in f"{told['title']} {told['caption']}"
    assert "against the throughput loss" in told["caption"]
    assert told["title"] == "STP against throughput loss"
    spec = str(chart.to_dict()["layer"])
    assert "worst throughput loss (%)" in spec
    assert "worst p50 inflation (%)" in str(tradeoff(group).to_dict()["layer"])


def test_a_loss_is_a_part_of_the_throughput_alone(group: Any) -> None:
    frame = group.slowdown()
    worst = frame[frame["metric"] == "throughput"]["estimate"].max()
    spec = figures.tradeoff(group, metric="throughput").to_dict()
    (row,) = {
        (row["inflation"], row["inflation_low"] < row["inflation"] < row["inflation_high"])
        for rows in spec["datasets"].values()
        for row in rows
        if "inflation_low" in row
    }
    assert row == (pytest.approx(100 * (1 - 1 / worst)), True)


def test_a_table_keeps_the_percents_that_it_has() -> None:
    chart = figures.tradeoff(tradeoff_table(), metric="throughput")
    assert "worst throughput loss (%)" in str(chart.to_dict()["layer"])
