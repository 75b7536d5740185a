"""When a study is INVALID, and what it says then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded import Made, Plan, changed, slowed, steady
from virtual import MS, SECOND, served

from mlbench.spec import Window
from mlbench.stats import slope_interval

pytestmark = pytest.mark.unit


def reasons(plan: Plan, path: Path) -> list[str]:
    return list(plan.write(path).verdict().reasons)


def notes(plan: Plan, path: Path) -> list[str]:
    return list(plan.write(path).verdict().notes)


def both(rag: Any, **keys: Any) -> Made:
    return Made({"rag": rag, "train": steady(2)}, **keys)


def test_a_study_that_did_what_it_says_is_valid(tmp_path: Path) -> None:
    verdict = Plan(slowed(2)).write(tmp_path).verdict()
    assert (str(verdict), verdict.valid) == ("VALID", True)
    assert (verdict.reasons, verdict.notes, verdict.relaxed) == ((), (), ())


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        (1, "together has 1 VALID block of 1, fewer than 3 (study: {min_blocks: 3})."),
        (2, "together has 2 VALID blocks of 2, fewer than 3 (study: {min_blocks: 3})."),
    ],
)
def test_it_takes_three_blocks(tmp_path: Path, blocks: int, reason: str) -> None:
    assert reasons(Plan(slowed(2, blocks=blocks)), tmp_path) == [reason]


def test_fewer_blocks_may_be_asked_for_and_that_is_printed_beside_valid(tmp_path: Path) -> None:
    study = Plan(slowed(2, blocks=1), study={"min_blocks": 1}).write(tmp_path)
    assert study.verdict().valid
    assert study.summary()["relaxed"] == ["study.min_blocks 1 instead of 3"]
    assert "VALID, with relaxed limits: study.min_blocks 1 instead of 3." in study.describe()


def test_one_block_in_five_may_be_lost_and_is_noted(tmp_path: Path) -> None:
    late = changed(slowed(2), 2, "together", both(steady(1, late=20 * MS)))
    assert reasons(Plan(late), tmp_path / "a") == []
    assert notes(Plan(late), tmp_path / "b") == [
        "blocks/002/together-0: rag was offered late: the latest 2 of 100 queries by at least "
        "20 ms, over the limit (limits: {lateness_p99_ms: 5}) and over 1 % of its median latency "
        "of 21 ms."
    ]


def test_two_in_five_may_not_and_every_reason_is_given(tmp_path: Path) -> None:
    late = both(steady(1, late=20 * MS))
    found = reasons(
        Plan(changed(changed(slowed(2), 2, "together", late), 4, "together", late)), tmp_path
    )
    assert found[0] == (
        "together has 3 VALID blocks of 5, less than 80% of them (study: {valid_share: 0.8})."
    )
    assert [reason.partition(":")[0] for reason in found[1:]] == [
        "blocks/002/together-0",
        "blocks/004/together-0",
    ]


@pytest.mark.parametrize("treatment", ["alone-rag", "alone-train"])
def test_a_block_counts_if_what_it_is_compared_with_does(tmp_path: Path, treatment: str) -> None:
    name = treatment.removeprefix("alone-")
    blocks = slowed(2)
    for block in (0, 1):
        blocks = changed(blocks, block, treatment, Made({name: steady(1, late=20 * MS)}))
    assert "3 VALID blocks of 5" in reasons(Plan(blocks), tmp_path)[0]


def test_contamination_is_what_whoever_made_the_run_says(tmp_path: Path) -> None:
    told = "Others used 12.0% of the processors during the run (study: {foreign_share: 0.05})."
    dirty = both(steady(2), verdict="INVALID", told=[told])
    assert notes(Plan(changed(slowed(2), 0, "together", dirty)), tmp_path) == [
        f"blocks/000/together-0: {told}"
    ]


def test_a_co_tenant_that_ended_early_takes_the_block_out(tmp_path: Path) -> None:
    gone = served(np.arange(40) * 100 * MS, 2 * MS, end_ns=4 * SECOND)
    absent = Made({"rag": steady(2), "train": gone})
    assert notes(Plan(changed(slowed(2), 1, "together", absent)), tmp_path) == [
        "blocks/001/together-0: train was under load for 4 s of the window of 10 s; rag ran "
        "without it for the rest (limits: {presence_share: ...})."
    ]


def test_errors_take_the_block_out(tmp_path: Path) -> None:
    failing = both(steady(1, failed=range(10)))
    assert notes(Plan(changed(slowed(2), 1, "together", failing)), tmp_path) == [
        "blocks/001/together-0: 10 of 100 queries of rag failed, timed out or got lost, over "
        "0.01 of them (limits: {error_share: ...}).",
        "blocks/001/together-0: The most frequent error of rag, 10 times: it broke.",
    ]


def test_a_pipeline_that_died_does_too(tmp_path: Path) -> None:
    dead = replace(steady(), end_ns=SECOND).says(status="failed", reason="killed by SIGKILL")
    died = both(dead, status="failed", verdict="INVALID")
    found = notes(Plan(changed(slowed(2), 1, "together", died)), tmp_path)
    assert found[0].startswith("blocks/001/together-0: rag ended by failure at second 1.0")


# -- drift -------------------------------------------------------------------------------


def test_a_slowdown_that_rises_from_block_to_block_is_no_repeat(tmp_path: Path) -> None:
    rising = slowed(1.2, 1.3, 1.4, 1.52, 1.64)
    assert reasons(Plan(rising), tmp_path) == [
        "The slowdown of rag in latency_p50 in together drifts: its trend over the blocks is "
        "+36.7%, not chance (limits: {drift_share: 0.05})."
    ]


def test_one_that_scatters_is(tmp_path: Path) -> None:
    assert reasons(Plan(slowed(1.3, 1.7, 1.2, 1.6, 1.4)), tmp_path) == []


def test_a_small_drift_does_not_matter(tmp_path: Path) -> None:
    small = slowed(1.20, 1.21, 1.22, 1.23, 1.24)
    assert reasons(Plan(small), tmp_path / "a") == []
    assert reasons(Plan(small, limits={"drift_share": 0.02}), tmp_path / "b") != []


def test_a_drift_that_is_allowed_is_printed_beside_valid(tmp_path: Path) -> None:
    rising = Plan(slowed(1.2, 1.3, 1.4, 1.52, 1.64), limits={"drift_significance": 0})
    verdict = rising.write(tmp_path).verdict()
    assert (verdict.valid, verdict.relaxed) == (
        True,
        ("limits.drift_significance 0 instead of 0.01",),
    )


def test_chance_rarely_looks_like_drift() -> None:
    """Blocks that scatter: of 100 studies, about one may be flagged."""
    random = np.random.default_rng(8)
    flagged = 0
    for _ in range(400):
        slope = slope_interval(range(5), random.normal(0, 0.2, 5), 1 - 0.01 / 4)
        flagged += slope.low is not None and slope.high is not None and slope.low * slope.high > 0
    assert flagged / 400 < 0.01


# -- what else is asked ------------------------------------------------------------------


def test_blocks_of_different_machines_cannot_be_compared(tmp_path: Path) -> None:
    moved = changed(slowed(2), 4, "alone-rag", Made({"rag": steady(1.04)}, machine="other"))
    assert reasons(Plan(moved), tmp_path) == [
        "The runs come from 2 machines, or from one whose hardware, driver or kernel changed: "
        "they cannot be compared."
    ]


def with_code(sha256: str) -> dict[str, Any]:
    return {"code": {"mine": {"file": "mine.py", "sha256": sha256}}}


@pytest.mark.parametrize(
    ("same", "other", "what"),
    [
        ({"request": with_code("aa")}, {"request": with_code("bb")}, "the module mine"),
        (
            {"request": {"local_code": {"f": "aa"}}},
            {"request": {"local_code": {"f": "bb"}}},
            "the local stage f",
        ),
        ({"version": "aa"}, {"version": "bb"}, "the version of mlbench"),
    ],
)
def test_all_runs_of_a_study_run_the_same_code(
    tmp_path: Path, same: dict[str, Any], other: dict[str, Any], what: str
) -> None:
    one = [{name: replace(run, **same) for name, run in block.items()} for block in slowed(2)]
    assert reasons(Plan(one), tmp_path / "a") == []
    two = changed(one, 3, "together", replace(one[3]["together"], **other))
    assert reasons(Plan(two), tmp_path / "b") == [
        f"Not all runs have {what} the same, so they cannot be compared: "
        "aa in blocks 0, 1, 2, 3, 4; bb in block 3."
    ]


def test_a_quantile_that_is_asked_for_needs_its_queries(tmp_path: Path) -> None:
    assert reasons(Plan(slowed(2), study={"quantiles": ["p90"]}), tmp_path / "a") == []
    assert reasons(Plan(slowed(2), study={"quantiles": ["p99"]}), tmp_path / "b") == [
        "p99 of rag needs 662 queries in each run, and one has 100: a longer window "
        "(study: {seconds: ...}, here 67 s) has more.",
        "p99 of train needs 662 queries in each run, and one has 100: a longer window "
        "(study: {seconds: ...}, here 67 s) has more.",
    ]


def test_a_window_of_another_length_is_another_study(tmp_path: Path) -> None:
    plan = Plan(slowed(2), manifest={"window": Window(settle=1, seconds=9).complete()})
    found = reasons(plan, tmp_path)
    assert "together has 0 VALID blocks of 5" in found[0]
    assert (
        "blocks/000/alone-rag-0 is another run than study.json says: its window differs."
        in (found[1])
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [("stopped", "The study was stopped after 15 of 15 runs."), ("failed", "The study failed.")],
)
def test_a_study_that_did_not_come_to_its_end_says_so(
    tmp_path: Path, status: str, reason: str
) -> None:
    plan = Plan(slowed(2), manifest={"status": status, "reasons": ["The disk is full."]})
    assert reasons(plan, tmp_path) == [reason, "The disk is full."]
