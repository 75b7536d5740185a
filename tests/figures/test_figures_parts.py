"""What figures are made of: bins, ticks, text widths and the places of stages."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlbench
from mlbench.figures.bins import busy_share, envelope
from mlbench.figures.charts.curves import apart
from mlbench.figures.drawing import drawing_of
from mlbench.figures.glyphs import text_width
from mlbench.figures.layout import layout_of
from mlbench.figures.units import log_ticks
from mlbench.figures.venue import theme
from mlbench.spec import Pipeline

pytestmark = pytest.mark.unit

EDGES = np.linspace(0, 1000, 11)
Intervals = st.lists(st.tuples(st.integers(0, 999), st.integers(1, 400)), min_size=1, max_size=30)


@given(Intervals)
def test_the_share_of_bins_sums_to_the_time_of_the_intervals(pairs: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in pairs])
    ends = starts + np.array([length for _, length in pairs])
    inside = (np.minimum(ends, 1000) - starts).sum()
    assert (busy_share(starts, ends, EDGES) * 100).sum() == pytest.approx(inside)


def test_a_share_is_exact_far_from_the_origin_of_the_clock() -> None:
    origin = 10**18
    edges = origin + np.array([0.0, 1024.0, 2048.0])
    share = busy_share(np.array([origin]), np.array([origin + 1536]), edges)
    assert share.tolist() == [1.0, 0.5]


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(-1e6, 1e6)), min_size=1, max_size=50))
def test_the_envelope_holds_every_value(samples: list[tuple[int, float]]) -> None:
    times, values = (np.array(each) for each in zip(*samples, strict=True))
    found = envelope(times, values, EDGES)
    for time, value in samples:
        place = min(time // 100, 9)
        if time < 1000:
            assert found.low[place] <= value <= found.high[place]


def test_a_bin_without_samples_is_a_gap() -> None:
    found = envelope(np.array([50]), np.array([1.0]), EDGES)
    assert np.isnan(found.mean[1:]).all()
    assert found.mean[0] == 1.0


@given(st.floats(1e-6, 1e6), st.floats(1.05, 1e8))
def test_a_logarithmic_axis_has_a_few_ticks_inside_of_it(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert all(low <= tick <= low * ratio for tick in ticks)
    assert len(ticks) <= 18
    if ratio > 10:
        assert ticks


@given(st.lists(st.floats(0, 100), min_size=2, max_size=6))
def test_names_at_the_ends_of_curves_do_not_touch(places: list[float]) -> None:
    moved = sorted(apart(places, theme("acmart")))
    gap = theme("acmart").label_size * 1.15
    assert all(lower - upper > 0.95 * gap for upper, lower in pairwise(moved))


def test_text_widths_are_those_of_the_font() -> None:
    assert text_width("0" * 10, 10) == pytest.approx(10 * text_width("0", 10))
    assert text_width("iii", 8) < text_width("mmm", 8)
    assert text_width("Wide", 8, 600) > text_width("Wide", 8, 400)


# -- graphs ------------------------------------------------------------------------------


def pipeline(**stages: dict[str, object]) -> Pipeline:
    full = {name: {"uses": "synthetic.noop", **stage} for name, stage in stages.items()}
    return Pipeline.model_validate({"data": {"uses": "synthetic.items"}, "stages": full})


def test_a_chain_stands_in_one_row() -> None:
    found = layout_of(pipeline(a={"to": "b"}, b={"to": "c"}, c={}))
    assert found.places == {"a": (0, 0.0), "b": (1, 0.0), "c": (2, 0.0)}


def test_a_cycle_is_drawn_with_one_edge_back() -> None:
    found = layout_of(
        pipeline(
            retrieve={"to": "grade"},
            grade={"to": {"good": "generate", "bad": "rewrite"}},
            rewrite={"to": "retrieve", "max_visits": 2, "then": "generate"},
            generate={},
        )
    )
    assert [(a.source, a.target) for a in found.arrows if a.back] == [("rewrite", "retrieve")]
    assert found.places["generate"][0] > found.places["rewrite"][0] > found.places["grade"][0]


def test_an_edge_over_several_layers_keeps_clear_of_the_stages_between() -> None:
    found = layout_of(pipeline(a={"to": ["b", "d"]}, b={"to": "c"}, c={"to": "d"}, d={}))
    (long,) = [arrow for arrow in found.arrows if (arrow.source, arrow.target) == ("a", "d")]
    for layer, row in enumerate(found.bends[long], start=1):
        assert (layer, row) not in found.places.values()


def test_a_graph_whose_names_have_room_side_by_side_runs_to_the_right() -> None:
    found = drawing_of(pipeline(prepare={"to": "infer"}, infer={}), {}, theme("acmart"))
    (_, right, *_), (left, *_) = found.on_page().values()
    assert (found.down, found.share) == (False, 1.0)
    assert right < left


LONG = {f"a_rather_long_stage_{i}": {"to": f"a_rather_long_stage_{i + 1}"} for i in range(6)}


def test_a_graph_whose_names_have_none_runs_down_and_keeps_them_whole() -> None:
    fan = {"to": {"first": "b", "second": "c", "third": "d"}}
    back = {"to": "a_rather_long_stage_0", "max_visits": 2, "then": "a"}
    stages = {**LONG, "a_rather_long_stage_6": back, "a": fan, "b": {"to": "e"}, "c": {}, "d": {}}
    found = drawing_of(pipeline(**stages, e={}), {}, theme("acmart"))
    boxes = list(found.on_page().values())
    assert (found.down, found.share) == (True, 1.0)
    assert all(0 <= left < right <= theme("acmart").width for left, right, _, _ in boxes)
    assert all(0 <= top < bottom <= found.height for _, _, top, bottom in boxes)
    for one, other in combinations(boxes, 2):
        beside = one[1] <= other[0] or other[1] <= one[0]
        assert beside or one[3] <= other[2] or other[3] <= one[2]


def test_a_fan_out_that_has_room_in_neither_way_is_cut_where_more_of_it_shows() -> None:
    wide = {f"a_rather_long_stage_{i}": {"to": "z"} for i in range(12)}
    fan = pipeline(first={"to": list(wide)}, **wide, z={})
    found = drawing_of(fan, dict.fromkeys(wide, "a very long note " * 4), theme("acmart"))
    assert (found.down, found.share < 1) == (False, True)


def test_no_name_of_an_example_is_cut_in_a_column() -> None:
    bench = mlbench.load(Path(__file__).parents[2] / "examples/rag_decomposed.yml")
    drawn = json.dumps(mlbench.figures.graph(bench, venue="acmart").to_dict(validate=False))
    assert "retrieve" in drawn
    assert "\\u2026" not in drawn


# -- importing ---------------------------------------------------------------------------


def test_the_names_of_figures_load_nothing_until_they_are_used() -> None:
    import subprocess
    import sys

    code = "import mlbench, sys; mlbench.figures; print('altair' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert run.stdout.strip() == "False"
