"""The answer of a study in words: who suffers most, in which stage, or that it is not decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import Plan, blocks_of, slowed, steady

from mlbench.study.answer import _most, _treatment

pytestmark = pytest.mark.unit


def answers(plan: Plan, path: Path) -> list[str]:
    found: list[str] = plan.write(path).summary()["answers"]
    return found


def test_the_pipeline_and_the_stage_that_suffer_most_are_named(tmp_path: Path) -> None:
    (answer,) = answers(Plan(slowed(2, 2.02, 1.98, 2.01, 1.99)), tmp_path)
    assert answer.startswith(
        "rag suffers most; mean latency against alone: rag 2.00 times (1.98 to"
    )
    assert "Of the +1.02 ms (" in answer
    assert "that a query of rag takes longer, the largest part is service in" in answer
    assert answer.endswith(", 100%.")


def test_where_nobody_suffers_that_is_said(tmp_path: Path) -> None:
    (answer,) = answers(Plan(slowed(1.01, 0.99, 1.0, 1.02, 0.98)), tmp_path)
    assert answer.startswith("No pipeline is shown to suffer; mean latency against alone:")


def test_two_that_suffer_alike_are_not_ranked(tmp_path: Path) -> None:
    factors = {"rag": (2.0, 2.3, 1.9, 2.2, 2.1), "train": (2.1, 1.9, 2.2, 2.0, 2.05)}
    alone = {name: [steady(1)] * 5 for name in factors}
    together = {name: [steady(each) for each in factors[name]] for name in factors}
    (answer,) = answers(Plan(blocks_of(alone, together)), tmp_path)
    assert answer.startswith("All of them suffer, and which most is not decided;")
    assert "blocks" in answer or "more to part the first two" in answer


def test_an_invalid_study_has_no_answer(tmp_path: Path) -> None:
    assert answers(Plan(slowed(2, blocks=2)), tmp_path) == ["Not decided: the study is INVALID."]


def test_one_block_has_no_interval_to_decide_by(tmp_path: Path) -> None:
    plan = Plan(slowed(2, blocks=1), study={"min_blocks": 1})
    assert answers(plan, tmp_path)[0].startswith("Not decided, for want of an interval;")


def told(**slowdowns: tuple[float, float | None, float | None]) -> str:
    """The first sentence of a treatment with these slowdowns of mean latency."""
    pipelines = {
        name: {
            "outcome": "measured",
            "rate_limited": True,
            "blocks": 5,
            "slowdown": {
                "latency_mean": dict(zip(("estimate", "low", "high"), each, strict=True)),
                "throughput": {"estimate": None},
            },
            "added_ms": None,
        }
        for name, each in slowdowns.items()
    }
    known = {name: each["slowdown"]["latency_mean"] for name, each in pipelines.items()}
    return _most(known, "mean latency", pipelines, 0.95)


def test_a_pipeline_that_suffers_is_told_beside_one_that_scatters() -> None:
    assert "No pipeline" not in told(a=(1.5, 0.9, 2.5), b=(1.3, 1.25, 1.35))


def test_the_first_is_parted_from_every_other_one() -> None:
    said = told(a=(2.0, 1.9, 2.1), b=(1.5, 1.4, 1.6), c=(1.4, 0.6, 3.2))
    assert said.startswith("Which of them suffers most is not decided;")


def test_all_suffer_only_if_each_does() -> None:
    said = told(a=(1.5, 1.2, 1.9), b=(1.4, 1.1, 1.8), c=(1.0, 0.9, 1.1))
    assert not said.startswith("All of them suffer")


def test_a_pipeline_without_an_interval_leaves_it_open() -> None:
    said = told(a=(2.0, 1.9, 2.1), b=(1.5, None, None))
    assert said.startswith("Not decided, for want of an interval;")


def treatment(**pipelines: tuple[float | None, float, bool]) -> str:
    """What is said of pipelines: slowdowns of mean latency and of throughput, if rate-limited."""

    def about(value: float | None) -> dict[str, float | None]:
        bounds = (None, None, None) if value is None else (value, value * 0.98, value * 1.02)
        return dict(zip(("estimate", "low", "high"), bounds, strict=True))

    return " ".join(
        _treatment(
            {
                name: {
                    "outcome": "measured",
                    "rate_limited": limited,
                    "blocks": 5,
                    "slowdown": {"latency_mean": about(latency), "throughput": about(throughput)},
                    "added_ms": None,
                }
                for name, (latency, throughput, limited) in pipelines.items()
            },
            0.95,
        )
    )


def test_a_pipeline_that_cannot_be_compared_is_not_passed_over() -> None:
    """One query of ``a`` failed: its mean is null, and an open load that keeps up says nothing."""
    said = treatment(a=(None, 1.0, True), b=(1.0, 1.0, False))
    assert said.startswith("a is not ranked: it has no mean latency, and its throughput is what")
    assert "Of the others: no pipeline is shown to suffer; loss of throughput" in said
    assert treatment(a=(None, 1.0, True)).startswith("a is not ranked")
    assert "not ranked" not in treatment(a=(None, 1.0, False), b=(1.0, 1.0, False))
