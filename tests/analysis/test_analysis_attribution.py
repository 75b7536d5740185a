"""Attribution of processor time, SM time, memory and energy, over runs with known sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_samples import CPU, MISSING, Sample, counted, quiet_before, seen, traffic

from mlbench.analysis.attribution import Attributed, attribution
from mlbench.analysis.attribution_seen import Seen
from mlbench.figures import energy as energy_figure

pytestmark = pytest.mark.unit

LONG = traffic([(0, n, n + 0.8) for n in range(10)] + [(1, n + 0.8, n + 1) for n in range(10)])
SHORT = traffic([(0, n / 50, n / 50 + 0.02) for n in range(500)])
PAIR = {"rag": LONG, "train": SHORT}


def rows_of(run: Seen, alone: dict[str, Seen] | None = None, **where: Any) -> list[Attributed]:
    found = attribution(run, alone or {})
    return [row for row in found if all(getattr(row, key) == v for key, v in where.items())]


def value(rows: Iterable[Attributed]) -> Any:
    (row,) = rows
    return row.value


def on_gpu(
    rag_sm: float = 60,
    train_sm: float = 20,
    joules: float = 3000,
    watts_idle: float | None = 100,
    more: Sequence[Sample] = (),
    **keys: Any,
) -> Seen:
    """Two pipelines on a GPU for ten seconds, a second of idleness before."""
    tenants = ((0, 11, rag_sm, 6e9), (1, 12, train_sm, 2e9))
    samples = counted("gpu_energy", joules, 10, device="gpu0")
    if watts_idle is not None:
        samples = [
            (name, start, end, watts_idle / 10 if end <= 0 else each, *where)
            for name, start, end, each, *where in samples
        ]
    for code, pid, busy, held in tenants:
        at = {"device": "gpu0", "pipeline": code, "pid": pid}
        samples += [(n, s, e, busy, d, p, i) for n, s, e, _, d, p, i in
                    counted("gpu_process_sm", 1, 10, **at)]  # fmt: skip
        samples += [(n, s, e, 40.0, d, p, i) for n, s, e, _, d, p, i in
                    counted("gpu_process_memory_busy", 1, 10, **at)]  # fmt: skip
        samples += [(n, e, e, held, d, p, i) for n, _, e, _, d, p, i in
                    counted("gpu_process_memory", 1, 10, **at)]  # fmt: skip
    samples += [("gpu_memory_used", n / 10, n / 10, 9e9, "gpu0", None, None) for n in range(111)]
    idle = None if watts_idle is None else (-1, 0)
    chosen = {"devices": (CPU, "gpu0"), "device": "cuda:0", "idle": idle, **keys}
    return seen(PAIR, [*samples, *more], **chosen)


class TestEnergy:
    def test_is_split_by_every_model_after_idle(self) -> None:
        """3000 J in ten seconds, 1000 of which the GPU draws doing nothing."""
        run = on_gpu()
        idle = rows_of(run, resource="energy_j", part="idle", model="sm")
        assert value(idle) == pytest.approx(1000)
        by_model = {
            row.model: row.value
            for row in rows_of(run, resource="energy_j", part="pipeline", pipeline="rag")
        }
        assert by_model == {
            "equal": pytest.approx(1000),
            "sm": pytest.approx(2000 * 60 / 80),
            "sm_and_memory": pytest.approx(2000 * (0.75 + 0.5) / 2),
            "calibrated": None,
        }

    def test_shows_how_much_the_models_disagree(self) -> None:
        rows = rows_of(on_gpu(), resource="energy_j", part="pipeline", pipeline="rag")
        spreads = {row.model: row.spread for row in rows}
        assert spreads["sm"] == pytest.approx(1500 - 1000)
        assert spreads["calibrated"] is None  # it has no value

    def test_of_a_query_is_given_with_and_without_idle(self) -> None:
        found = rows_of(on_gpu(), resource="energy_j", part="pipeline", pipeline="train")
        (row,) = (row for row in found if row.model == "sm")
        assert row.value == pytest.approx(500)
        assert row.per_query == pytest.approx(500 / 500)
        assert row.per_query_with_idle == pytest.approx(500 * 1.5 / 500)

    def test_of_stages_is_told_where_they_are_longer_than_five_periods_of_the_sensor(self) -> None:
        run = on_gpu()
        rag = {row.stage: row for row in
               rows_of(run, resource="energy_j", model="sm", pipeline="rag")}  # fmt: skip
        assert rag["a"].value == pytest.approx(1500 * 0.8)
        assert rag["b"].value is None
        assert "200 ms is shorter than 5 periods of the power sensor" in (rag["b"].reason or "")
        assert rag["(rest)"].value == pytest.approx(1500 * 0.2)
        train = rows_of(run, resource="energy_j", model="sm", pipeline="train", part="stage")
        assert [row.value for row in train] == [None]

    def test_calibrated_is_by_what_a_query_took_alone(self) -> None:
        """Alone, a query of rag takes 200 J, one of train 2: ten and five hundred of them."""
        alone = {
            "rag": seen({"rag": LONG}, [*counted("gpu_energy", 2000, 10, device="gpu0")],
                        devices=("gpu0",), idle=None),
            "train": seen({"train": SHORT}, [*counted("gpu_energy", 1000, 10, device="gpu0")],
                          devices=("gpu0",), idle=None),
        }  # fmt: skip
        found = rows_of(on_gpu(), alone, resource="energy_j", model="calibrated", part="pipeline")
        assert "idle device drew is not known" in (found[0].reason or "")
        quiet = {name: quiet_before(each) for name, each in alone.items()}
        found = rows_of(on_gpu(), quiet, resource="energy_j", model="calibrated", part="pipeline")
        assert [row.value for row in found] == [
            pytest.approx(2000 * 2 / 3),
            pytest.approx(2000 / 3),
        ]

    def test_without_a_look_at_idleness_has_no_idle_row_value_and_is_split_whole(self) -> None:
        run = on_gpu(watts_idle=None)
        (idle,) = rows_of(run, resource="energy_j", part="idle", model="equal")
        assert (idle.value, idle.reason) == (None, "nobody looked at it idle")
        found = rows_of(run, resource="energy_j", model="equal", part="pipeline")
        assert [row.value for row in found] == pytest.approx([1500, 1500])

    def test_of_processes_that_are_nobodys_is_a_row_of_its_own(self) -> None:
        stranger = [(n, s, e, 80.0, "gpu0", None, 99)
                    for n, s, e, *_ in counted("gpu_process_sm", 1, 10)]  # fmt: skip
        run = on_gpu(more=stranger)
        others = rows_of(run, resource="energy_j", part="others", model="sm")
        assert value(others) == pytest.approx(1000)
        assert rows_of(run, resource="energy_j", part="others", model="equal") == []

    def test_where_no_process_is_told_apart_is_split_by_placement_alone(self) -> None:
        samples = counted("gpu_energy", 3000, 10, device="gpu0")
        run = seen(PAIR, samples, devices=("gpu0",), device="cuda:0", idle=None)
        models = {row.model: row for row in
                  rows_of(run, resource="energy_j", part="pipeline", pipeline="rag")}  # fmt: skip
        assert models["equal"].value == pytest.approx(1500)
        assert "names no process of a pipeline" in (models["sm"].reason or "")

    def test_of_a_gpu_that_is_cut_is_split_between_those_on_its_parts(self) -> None:
        samples = counted("gpu_energy", 3000, 10, device="gpu0")
        for code, part in enumerate(("gpu0/mig0", "gpu0/mig1")):
            where = {"device": part, "pipeline": code, "pid": code}
            samples += [(n, e, e, 2e9, d, p, i) for n, _, e, _, d, p, i in
                        counted("gpu_process_memory", 1, 10, **where)]  # fmt: skip
            samples += [("gpu_memory_used", n / 10, n / 10, 3e9, part, None, None)
                        for n in range(111)]  # fmt: skip
        run = seen(PAIR, samples, devices=("gpu0", "gpu0/mig0", "gpu0/mig1"), idle=None)
        energy = rows_of(run, resource="energy_j", part="pipeline", model="equal")
        assert [row.value for row in energy] == pytest.approx([1500, 1500])
        (part,) = rows_of(run, device="gpu0/mig1", model="held", pipeline="train", part="pipeline")
        assert part.value == pytest.approx(2e10)

    def test_of_a_package_is_by_processor_time_with_what_else_ran(self) -> None:
        samples = [
            *counted("cpu_energy", 400, 10, device="package-0"),
            *counted("cpu_energy", 300, 10, device="package-0/core"),
            *counted("cpu_time", 6, 10, pipeline=0),
            *counted("cpu_time", 2, 10, pipeline=1),
            *[("host_cpu_busy", n / 2, (n + 1) / 2, 100.0, CPU, None, None) for n in range(20)],
        ]
        run = seen(PAIR, samples, devices=(CPU, "package-0", "package-0/core"), idle=None)
        found = rows_of(run, resource="energy_j", model="cpu_time")
        wanted = ("pipeline", "others")
        assert {row.pipeline: row.value for row in found if row.part in wanted} == {
            "rag": pytest.approx(240), "train": pytest.approx(80), "(others)": pytest.approx(80),
        }  # fmt: skip
        assert {row.device for row in found} == {"package-0"}

    def test_that_cannot_be_had_says_why(self) -> None:
        (row,) = rows_of(seen(PAIR, []), resource="energy_j")
        assert (row.part, row.value, row.reason) == ("total", None, MISSING)

    def test_converts_to_what_the_figure_takes(self) -> None:
        frame = pd.DataFrame([vars(row) for row in attribution(on_gpu(), {})])
        assert energy_figure(frame).to_dict()


class TestSmTime:
    def test_is_that_of_the_processes_where_the_hardware_does_not_count(self) -> None:
        found = rows_of(on_gpu(), resource="sm_s", model="sm", part="pipeline")
        assert [row.value for row in found] == [pytest.approx(6), pytest.approx(2)]

    def test_is_that_of_the_hardware_split_where_it_counts(self) -> None:
        counts = [("gpu_sm_activity", n / 10, (n + 1) / 10, 40.0, "gpu0", None, None)
                  for n in range(100)]  # fmt: skip
        found = rows_of(on_gpu(more=counts), resource="sm_s", model="sm", part="pipeline")
        assert [row.value for row in found] == [pytest.approx(3), pytest.approx(1)]


class TestMemory:
    def test_is_held_over_time_and_the_drivers_own_is_others(self) -> None:
        found = rows_of(on_gpu(), resource="memory_byte_s", device="gpu0", model="held")
        assert {row.pipeline: row.value for row in found if row.part != "stage"} == {
            "rag": pytest.approx(6e10),
            "train": pytest.approx(2e10),
            "(others)": pytest.approx(1e10),
        }  # fmt: skip
        assert {row.reason for row in found if row.part == "stage"} == {
            "a process holds memory across its stages"
        }

    def test_of_processes_on_the_machine_is_each_pipelines_own(self) -> None:
        samples: list[Sample] = [
            ("memory_rss", n / 10, n / 10, size, None, code, None)
            for n in range(-1, 102) for code, size in ((0, 3e8), (1, 1e8))
        ]  # fmt: skip
        found = rows_of(seen(PAIR, samples), resource="memory_byte_s", part="pipeline")
        assert [row.value for row in found] == [pytest.approx(3e9), pytest.approx(1e9)]
        assert [row.spread for row in found] == [None, None]


class TestProcessorTime:
    def test_is_measured_by_pipeline_and_the_same_in_both_models(self) -> None:
        samples = [*counted("cpu_time", 6, 10, pipeline=0), *counted("cpu_time", 2, 10, pipeline=1)]
        found = rows_of(seen(PAIR, samples), resource="cpu_s", part="pipeline")
        assert [(row.model, row.pipeline, row.value) for row in found] == [
            ("service_time", "rag", pytest.approx(6)), ("service_time", "train", pytest.approx(2)),
            ("overlap", "rag", pytest.approx(6)), ("overlap", "train", pytest.approx(2)),
        ]  # fmt: skip
        assert {row.spread for row in found} == {0.0}

    def test_of_a_stage_that_waits_is_told_by_overlap_and_not_by_service_time(self) -> None:
        """Stage a computes for 0.8 s of each second, then b waits."""
        samples: list[Sample] = [
            ("cpu_time", n / 10, (n + 1) / 10, 0.1 if n % 10 < 8 else 0.0, None, 0, None)
            for n in range(-10, 110)
        ]
        found = rows_of(seen({"rag": LONG}, samples), resource="cpu_s", part="stage")
        assert {(row.model, row.stage): row.value for row in found} == {
            ("service_time", "a"): pytest.approx(8 * 0.8),
            ("service_time", "b"): pytest.approx(8 * 0.2),
            ("overlap", "a"): pytest.approx(8),
            ("overlap", "b"): pytest.approx(0, abs=1e-9),
        }
        assert [row.spread for row in found] == [pytest.approx(1.6)] * 4

    def test_of_stages_shorter_than_the_samples_are_apart_is_null(self) -> None:
        samples = counted("cpu_time", 2, 10, pipeline=0)
        (row, _) = rows_of(seen({"train": SHORT}, samples), resource="cpu_s", part="stage")
        assert row.value is None
        assert "20 ms is shorter than the 100 ms between two samples" in (row.reason or "")

    def test_used_between_stages_is_the_rest(self) -> None:
        some = traffic([(0, n, n + 0.5) for n in range(10)])
        found = rows_of(seen({"x": some}, counted("cpu_time", 5, 10, pipeline=0)),
                        resource="cpu_s", model="overlap")  # fmt: skip
        assert {row.part: row.value for row in found} == {
            "pipeline": pytest.approx(5), "stage": pytest.approx(2.5), "rest": pytest.approx(2.5),
        }  # fmt: skip

    def test_of_a_batch_counts_once(self) -> None:
        spans = [(0, n, n + 0.5) for n in range(10) for _ in range(4)]
        spans += [(1, n + 0.5, n + 1) for n in range(10)]
        made = traffic(spans)
        made.spans["batch_size"] = [4] * 40 + [None] * 10
        found = rows_of(seen({"x": made}, counted("cpu_time", 10, 10, pipeline=0)),
                        resource="cpu_s", model="service_time", part="stage")  # fmt: skip
        assert [row.value for row in found] == [pytest.approx(5), pytest.approx(5)]

    def test_of_a_pipeline_without_samples_is_null_beside_those_with(self) -> None:
        samples = counted("cpu_time", 6, 10, pipeline=0)
        found = rows_of(seen(PAIR, samples), resource="cpu_s", pipeline="train", part="pipeline")
        assert [row.value for row in found] == [None, None]
        assert found[0].reason == "its samples do not cover the period"


def test_before_its_load_a_run_has_none() -> None:
    run = seen({"rag": LONG}, [])
    before = replace(run.record, manifest={**run.manifest, "barrier_ns": None})
    assert attribution(Seen(before, run.samples), {}) == []


# -- of any run --------------------------------------------------------------------------

amounts = st.floats(0, 1e4, allow_nan=False).filter(lambda x: x == 0 or x > 1e-3)
moments = st.floats(-1, 9, allow_nan=False)


@st.composite
def runs(draw: st.DrawFn) -> Seen:
    hard = st.sampled_from(["a", "idle", "(rest)", "b"])
    names = draw(st.lists(hard, min_size=1, max_size=3, unique=True))
    span = st.tuples(st.integers(0, 1), moments, st.floats(0, 3))
    pipelines = {
        name: traffic(
            [(code, at, at + long) for code, at, long in draw(st.lists(span, max_size=8))]
        )
        for name in names
    }
    samples = counted("gpu_energy", draw(amounts), 10, device="gpu0")
    samples += counted("cpu_energy", draw(amounts), 10, device="package-0")
    parties = [*range(len(names)), None]
    is_cut = draw(st.booleans())
    for code in parties:
        part = f"gpu0/mig{code % 2}" if is_cut and code is not None else "gpu0"
        at = {"device": part, "pipeline": code, "pid": code}
        for metric in ("gpu_process_sm", "gpu_process_memory_busy", "gpu_process_memory"):
            samples += counted(metric, draw(amounts), 10, **at)
        if code is not None and draw(st.booleans()):
            samples += counted("cpu_time", draw(amounts), 10, pipeline=code)
            samples += counted("memory_rss", draw(amounts), 10, pipeline=code)
    samples += counted("gpu_memory_used", draw(amounts), 10, device="gpu0")
    idle = draw(st.sampled_from([None, (-1, 0)]))
    devices = (CPU, "gpu0", *(("gpu0/mig0", "gpu0/mig1") if is_cut else ()), "package-0")
    holes = draw(st.sets(st.integers(0, 119), max_size=60))
    samples = [each for n, each in enumerate(samples) if n % 120 not in holes]
    lost_s = draw(st.sampled_from([None, -0.5, 0.05, 4.0]))
    samples = [each for each in samples if lost_s is None or _is_before(each, lost_s)]
    return seen(pipelines, samples, idle=idle, devices=devices, device="cuda:0")


def _is_before(sample: Sample, lost_s: float) -> bool:
    """Whether a GPU that is lost then has still given the sample; other devices go on."""
    _, _, end_s, _, device, *_ = sample
    return not (device or "").startswith("gpu") or end_s <= lost_s


def assert_adds_up(rows: Sequence[Attributed]) -> None:
    """Idle, pipelines and others are the whole; stages and the rest are their pipeline."""
    frame = pd.DataFrame([vars(row) for row in rows])
    frame["device"] = frame["device"].fillna("")
    idle = frame[frame["part"] == "idle"].groupby(["resource", "device", "model"])["share"].sum()
    split = frame[frame["part"].isin(["pipeline", "others"]) & frame["value"].notna()]
    for key, rows_of_model in split.groupby(["resource", "device", "model"]):
        share = rows_of_model["share"].sum() + idle.get(key, 0.0)
        if rows_of_model["share"].notna().any():  # of a total of zero there are no parts
            assert share == pytest.approx(1, abs=1e-9)
    keys = ["resource", "device", "model", "pipeline"]
    whole = split[split["part"] == "pipeline"].set_index(keys)["value"]
    stages = frame[frame["part"].isin(["stage", "rest"]) & frame["value"].notna()]
    for key, total in stages.groupby(keys)["value"].sum().items():
        assert total == pytest.approx(whole[key], rel=1e-9, abs=1e-9)
    known = frame[frame["value"].notna()]
    assert (known["value"] >= 0).all()
    assert frame[frame["value"].isna()]["reason"].notna().all()


@settings(max_examples=40, deadline=None)
@given(run=runs())
def test_shares_add_up_to_what_was_measured(run: Seen) -> None:
    rows = attribution(run, {})
    assert rows
    assert_adds_up(rows)
