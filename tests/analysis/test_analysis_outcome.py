"""How a pipeline came out of a run, and whether the run can stand in a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, record, served

from mlbench.analysis.fitness import unfit
from mlbench.analysis.outcome import outcome_of
from mlbench.analysis.queries import queries_of

pytestmark = pytest.mark.unit

STEADY = served(np.arange(100) * 10 * MS, MS, end_ns=SECOND)
WINDOW = {"begin_ns": 0, "end_ns": SECOND}


def outcome(traffic: Traffic, saturated: bool | None = False, **manifest: Any) -> str | None:
    made = record({"p": traffic}, **manifest)
    return outcome_of(made, "p", queries_of(made, "p"), saturated)


def failing(error: str) -> Traffic:
    made = served(np.arange(3) * SECOND, MS, failed=[0, 1, 2])
    return replace(made, completions={**made.completions, "error": [error] * 3})


def test_a_pipeline_is_measured_or_saturated() -> None:
    assert outcome(STEADY) == outcome(STEADY, saturated=None) == "measured"
    assert outcome(STEADY, saturated=True) == "saturated"


@pytest.mark.parametrize(
    "error",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "RuntimeError: CUDA error: out of memory",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_device_whose_memory_is_full_did_not_fit(error: str) -> None:
    dead = Traffic().says(status="failed", reason=f"its stage lm did not open: {error}")
    assert outcome(dead, status="failed") == "did not fit"
    assert outcome(failing(error)) == "did not fit"


@pytest.mark.parametrize("error", ["ValueError: no such model", "MemoryError", "killed by SIGKILL"])
def test_any_other_failure_is_one(error: str) -> None:
    assert outcome(Traffic().says(status="failed", reason=error), status="failed") == "failed"
    assert outcome(failing(error)) == "failed"


def test_nothing_is_known_of_who_did_not_fail_in_a_run_that_did() -> None:
    assert outcome(STEADY, status="failed") is None
    assert outcome(STEADY, status="stopped") is None


def reasons(traffic: Traffic = STEADY, window: object = WINDOW, **limits: float) -> list[str]:
    made = record({"p": traffic, "q": STEADY}, bench={"limits": limits}, window=window)
    return list(unfit(made, {name: queries_of(made, name) for name in made.names}))


def test_a_run_in_which_all_was_well_is_fit() -> None:
    assert reasons() == []


def test_a_run_without_a_window_was_not_made_for_a_study() -> None:
    assert reasons(window=None) == ["The run has no window: it was not made for a study."]


def test_a_load_that_ended_early_left_the_other_alone() -> None:
    short = served(np.arange(50) * 10 * MS, MS, end_ns=SECOND // 2)
    assert reasons(short) == [
        "p was under load for 0.5 s of the window of 1 s; q ran without it for the rest "
        "(limits: {presence_share: ...})."
    ]
    assert reasons(short, presence_share=0.5) == []


def test_a_load_that_began_late_was_absent_too() -> None:
    assert "0.6 s of the window" in reasons(replace(STEADY, begin_ns=400 * MS))[0]


def test_more_failures_than_one_in_a_hundred_are_too_many() -> None:
    assert reasons(served(np.arange(100) * 10 * MS, MS, failed=[7], end_ns=SECOND)) == []
    many = served(np.arange(100) * 10 * MS, MS, failed=[7, 8], end_ns=SECOND)
    assert reasons(many) == [
        "2 of 100 queries of p failed, timed out or got lost, over 0.01 of them "
        "(limits: {error_share: ...})."
    ]
    assert reasons(many, error_share=0.05) == []
