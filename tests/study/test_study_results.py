"""The numbers of a study: over blocks, named where they are none, beside published ones."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp, isfinite, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded import Made, Plan, blocks_of, changed, slowed, steady
from virtual import MS, SECOND, Traffic, chained, closed, served

from mlbench.stats import mean_interval
from mlbench.study.layout import Treatment, against, pair
from mlbench.study.study import Study

pytestmark = pytest.mark.unit

FACTORS = (1.3, 1.7, 1.2, 1.6, 1.4)


def rag(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = study.summary()["pipelines"]["rag"]
    return found


def finite(value: object) -> bool:
    """Whether a document has no number that JSON could not hold."""
    if isinstance(value, dict):
        return all(finite(inner) for inner in value.values())
    if isinstance(value, list):
        return all(finite(inner) for inner in value)
    return not isinstance(value, float) or isfinite(value)


# -- slowdown ----------------------------------------------------------------------------


def test_a_slowdown_is_the_geometric_mean_of_the_blocks(tmp_path: Path) -> None:
    found = rag(Plan(slowed(*FACTORS)).write(tmp_path))["slowdown"]["latency_p50"]
    logs = mean_interval([log(each) for each in FACTORS])
    assert logs.low is not None
    assert logs.high is not None
    assert found == pytest.approx(
        {"estimate": exp(logs.estimate), "low": exp(logs.low), "high": exp(logs.high)}, rel=1e-6
    )


def test_one_block_has_no_interval(tmp_path: Path) -> None:
    found = rag(Plan(slowed(2, blocks=1)).write(tmp_path))["slowdown"]["latency_p50"]
    assert found == {"estimate": pytest.approx(2), "low": None, "high": None}


def test_the_bootstrap_is_narrower_and_comes_when_it_is_asked_for(tmp_path: Path) -> None:
    Plan(slowed(*FACTORS)).write(tmp_path)
    student, bootstrap = Study(tmp_path), Study(tmp_path, interval="bootstrap")
    widths = []
    for study in (student, bootstrap):
        found = rag(study)["slowdown"]["latency_p50"]
        assert found["estimate"] == pytest.approx(exp(np.mean(np.log(FACTORS))))
        widths.append(log(found["high"] / found["low"]))
    assert widths[1] < 0.8 * widths[0]
    assert "bootstrap" in bootstrap.summary()["interval"]["kind"]
    assert bootstrap.summary() == Study(tmp_path, interval="bootstrap").summary()


def test_the_document_says_which_metric_has_which_interval(tmp_path: Path) -> None:
    Plan(slowed(*FACTORS)).write(tmp_path)
    student = Study(tmp_path).summary()["interval"]["methods"]
    assert "latency_p50" in student["Student's t on the logarithms of the blocks' values"]
    assert "added_ms" in student["Student's t on the blocks' values"]
    drawn = Study(tmp_path, interval="bootstrap").summary()["interval"]["methods"]
    queries = drawn["hierarchical percentile bootstrap of blocks and of the queries in them"]
    alone = drawn["percentile bootstrap of blocks alone"]
    assert {"latency_mean", "latency_p50", "paired_median", "service_p50"} <= set(queries)
    assert {"throughput", "stp", "antt", "jain", "fairness", "added_ms"} <= set(alone)
    assert not set(queries) & set(alone)


@pytest.mark.parametrize(("interval", "confidence"), [("normal", 0.95), ("t", 1.0), ("t", 95)])
def test_an_interval_is_one_of_two_kinds(tmp_path: Path, interval: Any, confidence: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        Study(tmp_path, interval, confidence)


def test_a_quantile_with_too_few_queries_is_null_and_says_which_block(tmp_path: Path) -> None:
    found = rag(Plan(slowed(2)).write(tmp_path))
    assert found["slowdown"]["latency_p99"]["estimate"] is None
    assert found["null_reasons"]["slowdown.latency_p99"] == (
        "block 0: alone: p99 needs 662 queries, there are 100; "
        "together: p99 needs 662 queries, there are 100"
    )
    assert found["null_reasons"]["p99_inflation"] == found["null_reasons"]["slowdown.latency_p99"]


def test_queries_of_several_blocks_are_not_pooled(tmp_path: Path) -> None:
    """Ten blocks of 100 have 1,000 queries, and still no p99."""
    found = rag(Plan(slowed(2, blocks=10)).write(tmp_path))
    assert found["slowdown"]["latency_p99"]["estimate"] is None
    assert found["slowdown"]["latency_p90"]["estimate"] == pytest.approx(2)


def test_an_open_load_that_is_kept_up_with_has_a_throughput_that_says_nothing(
    tmp_path: Path,
) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    assert rag(study)["rate_limited"]
    assert rag(study)["slowdown"]["throughput"]["estimate"] == pytest.approx(1)
    assert "rag kept up with its load" in study.describe()


def test_closed_loads_show_theirs(tmp_path: Path) -> None:
    alone, together = (closed([ms * MS] * (10_000 // ms)) for ms in (10, 25))
    study = Plan(blocks_of({"rag": [alone] * 3}, {"rag": [together] * 3})).write(tmp_path)
    assert not rag(study)["rate_limited"]
    assert rag(study)["slowdown"]["throughput"]["estimate"] == pytest.approx(2.5)
    assert study.summary()["stp"]["estimate"] == pytest.approx(0.4)


def test_numbers_are_of_the_blocks_that_count_alone_however_few(tmp_path: Path) -> None:
    """The study is INVALID, and what is INVALID in it gives no number."""
    late = Made({"rag": steady(2, late=20 * MS), "train": steady(2)})
    blocks = slowed(2)
    for block in range(4):
        blocks = changed(blocks, block, "together", late)
    found = Plan(blocks).write(tmp_path).summary()
    assert found["verdict"] == "INVALID"
    assert (found["pipelines"]["rag"]["blocks"], found["pipelines"]["rag"]["valid_blocks"]) == (
        1,
        1,
    )
    assert found["pipelines"]["rag"]["slowdown"]["latency_p50"]["estimate"] == pytest.approx(2)


def test_without_a_block_that_counts_there_is_no_number_and_the_reason_says_why(
    tmp_path: Path,
) -> None:
    late = Made({"rag": steady(2, late=20 * MS), "train": steady(2)})
    blocks = slowed(2, blocks=3)
    for block in range(3):
        blocks = changed(blocks, block, "together", late)
    found = Plan(blocks).write(tmp_path).summary()["pipelines"]["rag"]
    assert found["outcome"] is None
    assert found["reason"] == "no block counts: in none of 3 are both of its runs VALID"
    assert found["slowdown"]["latency_p50"] == {"estimate": None, "low": None, "high": None}


def test_a_pipeline_that_fails_alone_is_not_measured(tmp_path: Path) -> None:
    failed = Made({"rag": steady(1, failed=range(100))})
    blocks = [{**block, "alone-rag": failed} for block in slowed(2, blocks=3)]
    assert rag(Plan(blocks).write(tmp_path))["outcome"] == "failed"


# -- outcomes that are no number ---------------------------------------------------------


def overloaded() -> Traffic:
    due = np.arange(1000) * 10 * MS
    return served(due, 20 * MS, end_ns=10 * SECOND)


def test_a_saturated_pipeline_has_no_latency_slowdown(tmp_path: Path) -> None:
    calm = served(np.arange(1000) * 10 * MS, 4 * MS, end_ns=10 * SECOND)
    blocks = blocks_of({"rag": [calm] * 3}, {"rag": [overloaded()] * 3})
    study = Plan(blocks).write(tmp_path)
    found = rag(study)
    assert (study.verdict().valid, found["outcome"]) == (True, "saturated")
    assert found["outcomes"] == {"saturated": 3}
    assert found["isolated_outcomes"] == {"measured": 3}
    for key in ("latency_mean", "latency_p50", "latency_p90", "latency_p99", "paired_median"):
        assert found["slowdown"][key]["estimate"] is None
        assert found["null_reasons"][f"slowdown.{key}"] == (
            "it was saturated together in 3 of 3 blocks: its latency depends on how long one looked"
        )
    assert found["slowdown"]["throughput"]["estimate"] == pytest.approx(2, rel=0.01)
    assert found["backlog_slope"]["estimate"] == pytest.approx(50, rel=0.02)
    assert found["stages"]["step"]["slowdown"]["service_p50"]["estimate"] == pytest.approx(5)
    assert found["stages"]["data"]["added_ms"]["queueing_p50"]["estimate"] is None
    assert found["added_ms"] is None
    assert study.summary()["antt"]["estimate"] is None
    assert "rag was saturated: its backlog grew by 50" in study.describe()


@pytest.mark.parametrize(
    ("reason", "outcome", "words"),
    [
        (
            "torch.OutOfMemoryError: CUDA out of memory.",
            "did not fit",
            "rag did not fit into the memory of its device (did not fit in 3 of 3 runs)",
        ),
        ("killed by SIGKILL", "failed", "rag failed (failed in 3 of 3 runs)"),
    ],
)
def test_a_pipeline_that_does_not_live_beside_others_is_named(
    tmp_path: Path, reason: str, outcome: str, words: str
) -> None:
    dead = Traffic().says(status="failed", reason=reason)
    died = Made({"rag": dead, "train": steady(2)}, status="failed", verdict="INVALID")
    blocks = [{**block, "together": died} for block in slowed(2, blocks=3)]
    study = Plan(blocks).write(tmp_path)
    found = study.summary()["pipelines"]
    assert found["rag"]["outcome"] == outcome
    assert found["rag"]["slowdown"]["latency_p50"]["estimate"] is None
    assert found["rag"]["reason"] == "it has no numbers together: its run did not get through"
    assert found["train"]["outcome"] is None
    assert words in study.describe()
    assert study.summary()["stp"]["estimate"] is None


# -- together ----------------------------------------------------------------------------


def closed_at(*milliseconds: int) -> Traffic:
    """A closed load whose queries take so long, in turn, for ten seconds."""
    times = np.resize(np.array(milliseconds) * MS, 10_000)
    count = int(np.searchsorted(np.cumsum(times), 10 * SECOND, side="right"))
    return closed(times[:count].tolist())


@pytest.mark.parametrize(
    ("system", "stp", "inflation"), [("mps", 1.73, 2.9), ("tally", 1.44, 0.05)]
)
def test_stp_alone_misleads_so_the_tail_is_told_beside_it(
    tmp_path: Path, system: str, stp: float, inflation: float
) -> None:
    """What Tally (ASPLOS 2025) publishes of MPS and of itself: the better STP has the worse p99.

    Made of a service that is rate-limited, two in a hundred of whose queries meet a kernel
    of the training beside it, and of that training.
    """
    calm = steady(1, count=1000)
    service = np.where(np.arange(1000) % 50 == 0, 1 + inflation, 1) * MS
    beside = served(np.arange(1000) * 10 * MS, service.astype(np.int64), end_ns=10 * SECOND)
    training = closed([round(MS / (stp - 1))] * int(10_000 * (stp - 1)))
    blocks = blocks_of(
        {"serve": [calm] * 3, "train": [closed([MS] * 10_000)] * 3},
        {"serve": [beside] * 3, "train": [training] * 3},
    )
    study = Plan(blocks).write(tmp_path)
    found = study.summary()
    assert found["stp"]["estimate"] == pytest.approx(stp, abs=0.002)
    told = found["pipelines"]["serve"]["p99_inflation"]["estimate"]
    assert told == pytest.approx(inflation, rel=1e-6)
    assert f"The p99 of latency changed by {inflation:+.0%} for serve" in study.describe()
    assert "STP cannot show what serve lost" in study.describe()


def test_progress_metrics_are_computed_in_each_block(tmp_path: Path) -> None:
    """NP of 0.8 and 0.4 in every block: STP 1.2, ANTT 1.875, Jain 0.9, fairness 0.5."""
    alone = [closed_at(10)] * 3
    blocks = blocks_of(
        {"a": alone, "b": alone}, {"a": [closed_at(12, 13)] * 3, "b": [closed_at(25)] * 3}
    )
    found = Plan(blocks).write(tmp_path).summary()
    assert found["stp"]["estimate"] == pytest.approx(1.2, rel=1e-3)
    assert found["antt"]["estimate"] == pytest.approx(1.875, rel=1e-3)
    assert found["jain"]["estimate"] == pytest.approx(1.44 / (2 * 0.8), rel=1e-3)
    assert found["fairness"]["estimate"] == pytest.approx(0.5, rel=1e-3)


def test_an_index_that_is_at_most_one_has_no_bound_above(tmp_path: Path) -> None:
    alone = [closed_at(10)] * 3
    together = [closed_at(11), closed_at(12), closed_at(19)]
    blocks = blocks_of({"a": alone, "b": alone}, {"a": together, "b": [closed_at(13)] * 3})
    found = Plan(blocks).write(tmp_path).summary()
    assert found["jain"]["high"] == 1
    assert found["fairness"]["high"] == 1


# -- where the time is -------------------------------------------------------------------


def two_stages(slower: float) -> list[Traffic]:
    random = np.random.default_rng(4)
    made = []
    for _ in range(3):
        due = np.sort(random.integers(0, 10 * SECOND, 300))
        services = np.stack([random.gamma(4, MS, 300), random.gamma(4, slower * MS, 300)], axis=1)
        made.append(chained(due, services, end_ns=10 * SECOND))
    return made


def test_added_latency_divides_over_stages_and_sums_up(tmp_path: Path) -> None:
    study = Plan(blocks_of({"rag": two_stages(1)}, {"rag": two_stages(1.5)})).write(tmp_path)
    added = rag(study)["added_ms"]
    parts = [*added["service"].values(), *added["queueing"].values()]
    total = sum(each["estimate"] for each in parts)
    total += added["lateness"]["estimate"] + added["unmatched"]["estimate"]
    assert total == pytest.approx(added["latency"]["estimate"], rel=1e-12)
    assert added["service"]["b"]["estimate"] == pytest.approx(2, rel=0.1)
    assert added["service"]["a"]["estimate"] == pytest.approx(0, abs=1e-9)
    assert added["unmatched_share"] == 0
    frame = study.added().set_index("part")["estimate"]
    assert frame.drop("latency").sum() == pytest.approx(frame["latency"])


def of_survivors(*failed: int) -> Plan:
    """Blocks of 100 queries, some of which do not get through beside the others."""
    alone, together = [steady(1)] * 3, [steady(2, failed=failed)] * 3
    limits = {"error_share": 0.5}
    return Plan(blocks_of({"rag": alone}, {"rag": together}), limits=limits)


def test_pairs_that_did_not_get_through_are_counted_beside_the_added_latency(
    tmp_path: Path,
) -> None:
    study = of_survivors(3, 4).write(tmp_path)
    added = rag(study)["added_ms"]
    assert (added["queries"], added["left_out"]) == (3 * 98, 3 * 2)
    assert "294 pairs, 6 more failed or were cut off in one of the runs)" in study.describe()


def test_above_a_share_of_them_there_is_no_added_latency(tmp_path: Path) -> None:
    study = of_survivors(*range(6)).write(tmp_path)
    found, reason = rag(study), study.added()["reason"].tolist()
    assert found["added_ms"] is None
    assert reason == [found["null_reasons"]["added_ms"]]
    assert reason[0] == (
        "block 0: of 100 pairs of queries 6 failed or were cut off in one of the runs, over 5%: "
        "the mean of the others would be of survivors"
    )
    assert reason[0] in study.describe()


def test_stages_have_ratios_of_service_and_milliseconds_of_queueing(tmp_path: Path) -> None:
    study = Plan(blocks_of({"rag": two_stages(1)}, {"rag": two_stages(1.5)})).write(tmp_path)
    stages = rag(study)["stages"]
    assert stages["b"]["slowdown"]["service_p90"]["estimate"] == pytest.approx(1.5)
    assert stages["a"]["slowdown"]["service_p90"]["estimate"] == pytest.approx(1)
    assert stages["data"]["added_ms"]["queueing_mean"]["estimate"] > 0.5
    frame = study.stages()
    assert set(frame["unit"]) == {"ratio", "ms"}
    assert frame.loc[frame["metric"] == "queueing_mean", "unit"].eq("ms").all()


def test_objectives_of_both_sides(tmp_path: Path) -> None:
    plan = Plan(slowed(2), pipelines={"rag": {"slo": {"latency_ms": 1.5}}})
    study = plan.write(tmp_path)
    found = rag(study)["slo"]
    assert (found["attainment"]["isolated"], found["attainment"]["collocated"]) == (1, 0)
    assert found["goodput"]["difference"]["estimate"] == pytest.approx(-10)
    assert "It kept its objective for 0.0% of the queries, alone for 100.0%." in study.describe()


def answering(first_ms: int) -> Traffic:
    """A pipeline whose queries make two tokens, the first after so long."""
    made = steady(50)
    due = np.asarray(made.dispatch["due"])
    events = {
        "span": np.repeat(2 * np.arange(due.size) + 1, 2).tolist(),
        "name": [0, 1] * due.size,
        "t": (due[:, None] + np.array([first_ms, first_ms + 5]) * MS).ravel().tolist(),
    }
    return replace(made, events=events, event_names=("first_token", "token"))


def test_time_to_the_first_token_slows_down_by_itself(tmp_path: Path) -> None:
    blocks = blocks_of({"rag": [answering(10)] * 3}, {"rag": [answering(25)] * 3})
    study = Plan(blocks, pipelines={"rag": {"slo": {"ttft_ms": 20}}}).write(tmp_path)
    found = rag(study)
    assert found["slowdown"]["ttft_p50"]["estimate"] == pytest.approx(2.5)
    assert found["slowdown"]["tpot_p50"]["estimate"] == pytest.approx(1)
    assert found["slowdown"]["latency_p50"]["estimate"] == pytest.approx(1)
    assert found["slo"]["attainment"]["collocated"] == 0
    assert "time to the first token of rag against that alone: its median 2.50 times" in (
        study.describe()
    )


# -- designs -----------------------------------------------------------------------------


def three() -> Plan:
    names = ("a", "b", "c")
    treatments = [Treatment(name=f"alone-{n}", pipelines=(n,), role="isolated") for n in names]
    made = {f"alone-{n}": Made({n: steady(1)}) for n in names}
    for index, (one, two) in enumerate((("a", "b"), ("a", "c"), ("b", "c"))):
        name = pair(one, two)
        treatments.append(Treatment(name=name, pipelines=(one, two), role="collocated"))
        made[name] = Made({one: steady(1.5 + index), two: steady(1.1)})
    return Plan([made] * 3, treatments)


def test_pairs_make_a_matrix(tmp_path: Path) -> None:
    study = three().write(tmp_path)
    found = study.matrix()
    p50 = found[found["metric"] == "latency_p50"].set_index(["pipeline", "beside"])["estimate"]
    assert p50["a", "b"] == pytest.approx(1.5)
    assert p50["a", "c"] == pytest.approx(2.5)
    assert p50["b", "c"] == pytest.approx(3.5)
    assert p50["c", "a"] == pytest.approx(1.1)
    document = study.summary()
    assert list(document["treatments"]) == ["pair-a-b", "pair-a-c", "pair-b-c"]
    assert (document["pipelines"], document["stp"]["estimate"]) == ({}, None)
    assert document["treatments"]["pair-a-b"]["stp"]["estimate"] == pytest.approx(2)


def test_a_dial_makes_a_curve(tmp_path: Path) -> None:
    dials = (1.0, 0.25, 0.5)
    treatments = [Treatment(name="alone-rag", pipelines=("rag",), role="isolated")]
    made = {"alone-rag": Made({"rag": steady(1)})}
    for dial in dials:
        name = against("noise", dial)
        both = ("rag", "noise")
        treatments.append(Treatment(name=name, pipelines=both, role="collocated", dial=dial))
        made[name] = Made({"rag": steady(1 + dial), "noise": steady(2)})
    study = Plan([made] * 3, treatments).write(tmp_path)
    found = study.sensitivity()
    curve = found[(found["metric"] == "latency_p50") & (found["pipeline"] == "rag")]
    assert curve["dial"].tolist() == [0.25, 0.5, 1.0]
    assert curve["estimate"].tolist() == pytest.approx([1.25, 1.5, 2.0])
    noise = study.summary()["treatments"]["against-noise-0.50"]["pipelines"]["noise"]
    assert "only what the others are measured beside" in noise["reason"]


def test_the_same_twice_shows_what_the_method_adds(tmp_path: Path) -> None:
    roles = {"aa-1": "isolated", "aa-2": "collocated"}
    treatments = [Treatment(name=n, pipelines=("a",), role=r) for n, r in roles.items()]  # type: ignore[arg-type]  # a literal
    blocks = [{name: Made({"a": steady(1 + i / 10)}) for name in roles} for i in range(3)]
    study = Plan(blocks, treatments, manifest={"design": {"kind": "aa"}}).write(tmp_path)
    assert study.verdict().valid
    slowdown = study.summary()["pipelines"]["a"]["slowdown"]
    assert slowdown["latency_p50"] == {"estimate": 1, "low": 1, "high": 1}


def test_a_run_that_measures_the_capacity_is_compared_with_nothing(tmp_path: Path) -> None:
    blocks: list[dict[str, Made]] = slowed(2, blocks=3)
    blocks[0] = {"capacity-rag": Made({"rag": closed([MS] * 50)}), **blocks[0]}
    group = [
        Treatment(name="capacity-rag", pipelines=("rag",), role="capacity"),
        Treatment(name="alone-rag", pipelines=("rag",), role="isolated"),
        Treatment(name="alone-train", pipelines=("train",), role="isolated"),
        Treatment(name="together", pipelines=("rag", "train"), role="collocated"),
    ]
    capacity = {"rag": {"rate": 812.5, "how": "closed load"}}
    study = Plan(blocks, group, manifest={"capacity": capacity}).write(tmp_path)
    found = study.summary()
    assert (found["verdict"], found["capacity"]) == ("VALID", capacity)
    assert found["blocks"] == {"begun": 3, "valid": 3}


def test_another_load_alone_is_no_reference(tmp_path: Path) -> None:
    blocks = slowed(2, blocks=3)
    plan = Plan(blocks)
    other = {"rag": {"load": {"poisson": {"rate": 5}}}}
    spec = replace(plan, pipelines=other).bench().complete()
    changed_blocks = [
        {**block, "together": replace(block["together"], request={"bench": spec})}
        for block in blocks
    ]
    found = replace(plan, blocks=changed_blocks).write(tmp_path).summary()["pipelines"]
    assert found["rag"]["reason"] == "alone it had another load, other stages or other data"
    assert found["train"]["slowdown"]["latency_p50"]["estimate"] == pytest.approx(1)


# -- the document and the tables ---------------------------------------------------------


def test_the_document_has_the_shape_that_is_promised(tmp_path: Path) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    found = study.summary()
    assert {"study", "status", "verdict", "reasons", "repeats", "pipelines"} < found.keys()
    assert found["study"] == tmp_path.name
    interval = {"estimate", "low", "high"}
    assert found["stp"].keys() == found["antt"].keys() == found["jain"].keys() == interval
    for pipeline in found["pipelines"].values():
        keys = {"latency_p50", "latency_p90", "latency_p99", "throughput"}
        assert keys < pipeline["slowdown"].keys()
        assert all(each.keys() == interval for each in pipeline["slowdown"].values())
        for stage in pipeline["stages"].values():
            assert "service_p50" in stage["slowdown"]
            assert "queueing_mean" in stage["added_ms"]
    assert found["treatments"]["together"]["pipelines"] == found["pipelines"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_no_number_of_a_document_is_infinite(tmp_path: Path) -> None:
    dead = Traffic().says(status="failed", reason="it broke")
    none_done = steady(1, failed=range(100))
    rows = [Made({"rag": each, "train": steady(2)}) for each in (dead, none_done, overloaded())]
    blocks = [
        {**block, "together": made} for block, made in zip(slowed(2, blocks=3), rows, strict=True)
    ]
    for interval in ("t", "bootstrap"):
        Plan(blocks).write(tmp_path / interval)
        found = Study(tmp_path / interval, interval=interval).summary()  # type: ignore[arg-type]  # a literal
        assert finite(found)
        assert json.dumps(found, allow_nan=False)


def test_tables_are_tidy_and_typed(tmp_path: Path) -> None:
    study = Plan(slowed(2, blocks=3)).write(tmp_path)
    for frame in (
        study.slowdown(),
        study.stages(),
        study.added(),
        study.matrix(),
        study.together(),
    ):
        assert len(frame)
        assert frame["estimate"].dtype == "float64"
        assert frame["treatment"].dtype == "category"
    assert len(study.slowdown()) == 2 * 6
    assert study.sensitivity().empty
    assert list(study.sensitivity().columns) == list(study.matrix().columns)


def test_queries_are_paired(tmp_path: Path) -> None:
    study = Plan(slowed(2, blocks=3, failed=[3])).write(tmp_path)
    frame = study.queries()
    rag_rows = frame[frame["pipeline"] == "rag"]
    assert len(rag_rows) == 3 * 100
    assert rag_rows["ratio"].dropna().to_numpy() == pytest.approx(2)
    assert rag_rows.loc[rag_rows["query"] == 3, ["isolated_ns", "ratio"]].isna().all(axis=None)
    assert rag_rows["block"].value_counts().tolist() == [100] * 3


def test_queries_are_those_that_the_slowdown_is_made_of(tmp_path: Path) -> None:
    blocks = slowed(2)
    late = Made({"rag": steady(2, late=20 * MS), "train": steady(2)})
    for block in (1, 3):
        blocks = changed(blocks, block, "together", late)
    frame = Plan(blocks).write(tmp_path / "a").queries()
    assert sorted(frame["block"].unique()) == [0, 2, 4]
    assert frame["valid"].all()
    frame = Plan(changed(blocks, 4, "together", late)).write(tmp_path / "b").queries()
    valid = frame.groupby("block")["valid"].unique()
    assert {number: each.tolist() for number, each in valid.items()} == {0: [True], 2: [True]}


def test_queries_of_other_work_are_no_pairs(tmp_path: Path) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    place = tmp_path / "blocks/001/together-0/spec.json"
    spec = json.loads(place.read_text())
    spec["bench"]["pipelines"]["rag"]["data"]["with"] = {"count": 3}
    place.write_text(json.dumps(spec))
    frame = study.queries()
    rag_rows, train_rows = (frame[frame["pipeline"] == name] for name in ("rag", "train"))
    assert sorted(rag_rows["block"].unique()) == [0, 2, 3, 4]
    assert sorted(train_rows["block"].unique()) == [0, 1, 2, 3, 4]


def test_an_empty_study_has_empty_tables(tmp_path: Path) -> None:
    study = Plan(slowed(2, blocks=1), manifest={"runs": []}).write(tmp_path)
    assert study.queries().empty
    assert study.runs().empty
    assert study.slowdown()["estimate"].isna().all()
    assert study.slowdown()["reason"].eq("there is no block in which both runs have ended").all()
    assert study.summary()["verdict"] == "INVALID"
    assert "there are no numbers" in study.describe()
