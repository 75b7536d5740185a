"""The summary of a study: the document that ``mlbench collocate --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlbench.analysis.comparison import QUEUEING_METRICS, SERVICE_METRICS
from mlbench.study.addition import AddedLatency
from mlbench.study.answer import answers
from mlbench.study.block import Block
from mlbench.study.estimate import CONVENTION, Estimate, Method
from mlbench.study.judge import StudyVerdict
from mlbench.study.layout import StudyManifest
from mlbench.study.results import PipelineResult, TreatmentResult
from mlbench.study.together import TOGETHER_METRICS

__all__ = ["document"]

POOLING = (
    "queries of different blocks are not pooled: a quantile is numpy's inverted_cdf of the queries "
    "due in one run's window, null below its early-stopping floor there"
)

Json = dict[str, Any]  # Any: JSON


def document(
    manifest: StudyManifest,
    status: str,
    blocks: Sequence[Block],
    results: Mapping[str, TreatmentResult],
    verdict: StudyVerdict,
    method: Method,
) -> Json:
    """One JSON document of a study, whole or as far as it has come.

    Returns
    -------
    dict
        ``study`` (null, for the caller to fill), ``status``, ``verdict``, ``reasons``,
        ``notes`` (runs that do not count in a study that is valid), ``attempts`` (``made``,
        ``discarded``, ``by_treatment``), ``relaxed`` (thresholds), ``repeats``,
        ``needed_repeats`` (with which it can still be VALID, where blocks are all that it
        lacks), ``blocks`` (those begun, and those in which every run counts), ``design``,
        ``window`` (s), ``capacity``, ``interval`` (``methods``: which metrics have which kind
        of it), and ``treatments``: of each collocated one ``pipelines``, ``stp``, ``antt``,
        ``jain``, ``fairness``, ``dial`` and ``null_reasons``. Where there is one such
        treatment, as in the design ``group``, its parts stand at the top as well; else
        ``pipelines`` is empty there. ``answers`` says in words who suffers most.
        Estimates are ``{estimate, low, high}``; slowdown above 1 is worse, for throughput,
        too. No number is infinite or not a number.
    """
    treatments = {name: _treatment(each) for name, each in results.items()}
    only = next(iter(treatments.values())) if len(treatments) == 1 else {}
    nothing = Estimate().to_dict()
    found = {
        "study": None,
        "status": status,
        "verdict": str(verdict),
        "reasons": list(verdict.reasons),
        "notes": list(verdict.notes),
        "attempts": verdict.attempts.to_dict(),
        "relaxed": list(verdict.relaxed),
        "repeats": manifest.repeats,
        "needed_repeats": verdict.needed,
        "blocks": {"begun": len(blocks), "valid": sum(_whole(manifest, b) for b in blocks)},
        "design": manifest.design.model_dump(mode="json"),
        "window": manifest.window.complete(),
        "capacity": {name: each.model_dump() for name, each in manifest.capacity.items()},
        "interval": {
            "kind": CONVENTION[method.name],
            "methods": _methods(results),
            "confidence": method.confidence,
            "pooling": POOLING,
        },
        "pipelines": only.get("pipelines", {}),
        **{key: only.get(key, nothing) for key in TOGETHER_METRICS},
        "treatments": treatments,
    }
    return {**found, "answers": answers(found)}


def _whole(manifest: StudyManifest, block: Block) -> bool:
    names = [each.name for each in manifest.treatments if each.role != "capacity"]
    return all(name in block.runs and block.runs[name].valid for name in names)


def _methods(results: Mapping[str, TreatmentResult]) -> dict[str, list[str]]:
    """The metrics by how their intervals were made; one may be made in two ways."""
    found: dict[str, dict[str, None]] = {}
    for result in results.values():
        for key, each in _metrics(result):
            if each.interval:
                found.setdefault(each.interval, {})[key] = None
    return {kind: list(keys) for kind, keys in found.items()}


def _metrics(result: TreatmentResult) -> Iterator[tuple[str, Estimate]]:
    for pipeline in result.pipelines.values():
        yield from pipeline.slowdown.items()
        yield "p99_inflation", pipeline.p99_inflation
        yield "backlog_slope", pipeline.backlog_slope
        yield from pipeline.objective.items()
        if isinstance(pipeline.added, AddedLatency):
            yield "added_ms", pipeline.added.latency_ms
        for stage in pipeline.stages.values():
            yield from stage.items()
    yield from result.together.items()


def _treatment(result: TreatmentResult) -> Json:
    return {
        "pipelines": {name: _pipeline(each) for name, each in result.pipelines.items()},
        "dial": result.treatment.dial,
        **{key: each.to_dict() for key, each in result.together.items()},
        "null_reasons": {key: e.reason for key, e in result.together.items() if e.reason},
    }


def _pipeline(result: PipelineResult) -> Json:
    return {
        "outcome": result.outcome,
        "outcomes": dict(result.outcomes),
        "isolated_outcomes": dict(result.isolated_outcomes),
        "blocks": result.blocks,
        "valid_blocks": result.valid_blocks,
        "reason": result.reason,
        "slowdown": _estimates(result.slowdown),
        "p99_inflation": result.p99_inflation.to_dict(),
        "rate_limited": result.rate_limited,
        "backlog_slope": result.backlog_slope.to_dict(),
        "slo": {key: _with_sides(each) for key, each in result.objective.items()},
        "added_ms": _added(result.added),
        "stages": {stage: _stage(each) for stage, each in result.stages.items()},
        "null_reasons": dict(_null_reasons(result)),
    }


def _stage(found: Mapping[str, Estimate]) -> Json:
    return {
        "slowdown": _estimates({key: found[key] for key in SERVICE_METRICS}),
        "added_ms": _estimates({key: found[key] for key in QUEUEING_METRICS}),
    }


def _estimates(found: Mapping[str, Estimate]) -> Json:
    return {key: each.to_dict() for key, each in found.items()}


def _with_sides(estimate: Estimate) -> Json:
    """The difference, and what it is between."""
    sides = {"isolated": estimate.isolated, "collocated": estimate.collocated}
    return {**sides, "difference": estimate.to_dict()}


def _added(added: AddedLatency | str) -> Json | None:
    if isinstance(added, str):
        return None
    return {
        "queries": added.queries,
        "left_out": added.left_out,
        "latency": added.latency_ms.to_dict(),
        "lateness": added.lateness_ms.to_dict(),
        "service": _estimates(added.service_ms),
        "queueing": _estimates(added.queueing_ms),
        "unmatched": added.unmatched_ms.to_dict(),
        "unmatched_share": added.unmatched_share,
    }


def _null_reasons(result: PipelineResult) -> Iterator[tuple[str, str | None]]:
    parts = {"slowdown": result.slowdown, "slo": result.objective}
    for prefix, found in parts.items():
        for key, each in found.items():
            if each.reason:
                yield f"{prefix}.{key}", each.reason
    if result.p99_inflation.reason:
        yield "p99_inflation", result.p99_inflation.reason
    if isinstance(result.added, str):
        yield "added_ms", result.added
    for stage, found in result.stages.items():
        for key, each in found.items():
            if each.reason:
                part = "slowdown" if key in SERVICE_METRICS else "added_ms"
                yield f"stages.{stage}.{part}.{key}", each.reason
