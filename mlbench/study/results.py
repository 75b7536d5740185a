"""What became of each pipeline in each treatment, over all blocks of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlbench.analysis.comparison import (
    QUEUEING_METRICS,
    SERVICE_METRICS,
    SLOWDOWN_METRICS,
    TOKEN_METRICS,
    Comparison,
)
from mlbench.analysis.outcome import DID_NOT_FIT, FAILED, MEASURED, SATURATED
from mlbench.analysis.sides import Sides
from mlbench.study.addition import AddedLatency, added_over
from mlbench.study.block import Block, Compared, reference_of
from mlbench.study.estimate import Estimate, Method, difference_over, level_over, ratio_over
from mlbench.study.layout import StudyManifest, Treatment
from mlbench.study.together import together_over

__all__ = ["PipelineResult", "TreatmentResult", "results_of", "used_blocks"]

OF_WINDOW = ("latency_", "paired_", "queueing_", "ttft_")
"""Metrics of a saturated pipeline that would depend on how long one looked."""


@dataclass(frozen=True)
class PipelineResult:
    """One pipeline in one treatment.

    Parameters
    ----------
    outcome
        ``measured``, ``saturated``, ``did not fit`` or ``failed``; null where no block counts
        and no run failed.
    outcomes, isolated_outcomes
        How often it came out how, of the runs that have ended.
    blocks, valid_blocks
        Blocks that the numbers are of, and those in which both runs are VALID.
    slowdown, stages
        By `SLOWDOWN_METRICS`, with tokens by `TOKEN_METRICS`, too; by stage, then by
        `SERVICE_METRICS` and `QUEUEING_METRICS`.
    added
        How the latency that collocation adds divides; or why it is not known.
    p99_inflation
        How much longer the p99 is, as a share: 0.05 is 5 %.
    rate_limited
        Whether it kept up with an open load in every run: its throughput says nothing then.
    backlog_slope
        Of the collocated runs of a saturated pipeline, queries per second.
    objective
        ``attainment`` and ``goodput``, as differences, with both sides; empty without one.
    reason
        Why there are no numbers at all.
    """

    outcome: str | None
    outcomes: Mapping[str, int]
    isolated_outcomes: Mapping[str, int]
    blocks: int
    valid_blocks: int
    slowdown: Mapping[str, Estimate]
    stages: Mapping[str, Mapping[str, Estimate]]
    added: AddedLatency | str
    p99_inflation: Estimate
    rate_limited: bool
    backlog_slope: Estimate
    objective: Mapping[str, Estimate]
    reason: str | None


@dataclass(frozen=True)
class TreatmentResult:
    """One collocated treatment.

    Parameters
    ----------
    together
        ``stp``, ``antt``, ``jain`` and ``fairness``.
    """

    treatment: Treatment
    pipelines: Mapping[str, PipelineResult]
    together: Mapping[str, Estimate]


def results_of(
    manifest: StudyManifest, blocks: Sequence[Block], method: Method
) -> dict[str, TreatmentResult]:
    """The results of each collocated treatment, in the order of the study."""
    return {
        each.name: _treatment(manifest, blocks, each, method)
        for each in manifest.treatments
        if each.role == "collocated"
    }


def _treatment(
    manifest: StudyManifest, blocks: Sequence[Block], treatment: Treatment, method: Method
) -> TreatmentResult:
    used = {name: _used(used_blocks(blocks, treatment.name, name)) for name in treatment.pipelines}
    pipelines = {
        name: _pipeline(manifest, blocks, treatment, name, used[name], method) for name in used
    }
    nulls = {
        name: {key: each.reason for key, each in found.slowdown.items() if each.reason}
        for name, found in pipelines.items()
    }
    return TreatmentResult(treatment, pipelines, together_over(used, nulls, method))


Outcomes = Mapping[str, int]
Used = Mapping[int, Comparison]
"""The comparisons that numbers are made of, by block."""


def used_blocks(blocks: Sequence[Block], treatment: str, pipeline: str) -> dict[int, Compared]:
    """The blocks that numbers are made of, by number, each with a comparison.

    Those in which both runs are VALID, however few they are.
    """
    found = {block.number: block.compared.get((treatment, pipeline)) for block in blocks}
    return {n: e for n, e in found.items() if e is not None and e.comparison and e.valid}


def _used(blocks: Mapping[int, Compared]) -> dict[int, Comparison]:
    return {n: each.comparison for n, each in blocks.items() if each.comparison is not None}


def _pipeline(
    manifest: StudyManifest,
    blocks: Sequence[Block],
    treatment: Treatment,
    name: str,
    used: Used,
    method: Method,
) -> PipelineResult:
    compared = [block.compared.get((treatment.name, name)) for block in blocks]
    outcomes = _outcomes(blocks, treatment.name, name)
    reference = reference_of(manifest, name)
    isolated = _outcomes(blocks, reference.name, name) if reference else {}
    reason = None if used else _no_numbers(compared)
    slowdown = {key: _slowdown(used, key, method, reason) for key in _metrics(used)}
    return PipelineResult(
        outcome=_outcome(used, outcomes, isolated),
        outcomes=outcomes,
        isolated_outcomes=isolated,
        blocks=len(used),
        valid_blocks=sum(each is not None and each.valid for each in compared),
        slowdown=slowdown,
        stages=_stages(used, method),
        added=reason or _saturated(used) or _added(used, method),
        p99_inflation=_less_one(slowdown["latency_p99"]),
        rate_limited=bool(used) and all(each.rate_limited for each in used.values()),
        backlog_slope=_backlog_slope(used, method),
        objective=_objective(used, method),
        reason=reason,
    )


def _no_numbers(compared: Sequence[Compared | None]) -> str:
    known = [each for each in compared if each is not None]
    if any(each.comparison for each in known):
        return f"no block counts: in none of {len(known)} are both of its runs VALID"
    told = (each.reason for each in known if each.reason)
    return next(told, "there is no block in which both runs have ended")


def _outcomes(blocks: Sequence[Block], treatment: str, pipeline: str) -> dict[str, int]:
    runs = [block.runs[treatment] for block in blocks if treatment in block.runs]
    return dict(Counter(found for run in runs if (found := run.outcomes.get(pipeline))))


def _outcome(used: Used, outcomes: Outcomes, isolated: Outcomes) -> str | None:
    """The word for a pipeline: of its numbers, else of its failures together, or alone."""
    if used:
        return SATURATED if _saturated(used) else MEASURED
    for found in (outcomes, isolated):
        failed = {word: count for word, count in found.items() if word in (DID_NOT_FIT, FAILED)}
        if failed:
            return max(failed, key=lambda word: failed[word])
    return None


def _saturated(used: Used) -> str | None:
    """Where and how often a pipeline was saturated, as a reason."""
    for side in ("together", "alone"):
        count = sum(side in each.saturated for each in used.values())
        if count:
            return (
                f"it was saturated {side} in {count} of {len(used)} blocks: its latency depends "
                "on how long one looked"
            )
    return None


def _metrics(used: Used) -> tuple[str, ...]:
    tokens = {key for each in used.values() for key in each.slowdown if key in TOKEN_METRICS}
    return (*SLOWDOWN_METRICS, *(key for key in TOKEN_METRICS if key in tokens))


def _slowdown(used: Used, key: str, method: Method, reason: str | None) -> Estimate:
    if reason is not None:
        return Estimate(reason=reason)
    saturated = _saturated(used) if key.startswith(OF_WINDOW) else None
    if saturated:
        return Estimate(blocks=len(used), reason=saturated)
    absent = Sides(None, None, reason="no tokens were recorded")
    return ratio_over({n: each.slowdown.get(key, absent) for n, each in used.items()}, method)


def _stages(used: Used, method: Method) -> dict[str, dict[str, Estimate]]:
    names = dict.fromkeys(stage for each in used.values() for stage in each.stages)
    return {stage: _stage(used, stage, method) for stage in names}


def _stage(used: Used, stage: str, method: Method) -> dict[str, Estimate]:
    absent = Sides(None, None, reason="the stage was not visited")
    saturated = _saturated(used)
    found = {}
    for key in (*SERVICE_METRICS, *QUEUEING_METRICS):
        blocks = {n: each.stages.get(stage, {}).get(key, absent) for n, each in used.items()}
        if saturated and key.startswith(OF_WINDOW):
            found[key] = Estimate(blocks=len(used), reason=saturated)
        else:
            over = ratio_over if key in SERVICE_METRICS else difference_over
            found[key] = over(blocks, method)
    return found


def _less_one(ratio: Estimate) -> Estimate:
    bounds = (
        None if each is None else each - 1 for each in (ratio.estimate, ratio.low, ratio.high)
    )
    estimate, low, high = bounds
    return replace(ratio, estimate=estimate, low=low, high=high)


def _backlog_slope(used: Used, method: Method) -> Estimate:
    if not _saturated(used):
        return Estimate(blocks=len(used), reason="it was not saturated")
    return level_over({n: each.backlog_slope for n, each in used.items()}, method)


def _objective(used: Used, method: Method) -> dict[str, Estimate]:
    keys = dict.fromkeys(key for each in used.values() for key in each.objective)
    return {
        key: difference_over({n: each.objective[key] for n, each in used.items()}, method)
        for key in keys
        if all(key in each.objective for each in used.values())
    }


def _added(used: Used, method: Method) -> AddedLatency | str:
    return added_over({number: each.added for number, each in used.items()}, method)
