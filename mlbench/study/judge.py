"""The verdict of a study: whether its numbers mean what its spec asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, expm1, log

from pydantic import BaseModel

from mlbench.analysis.latency import QUANTILES
from mlbench.spec import Benchmark, Limits
from mlbench.spec import Study as StudySpec
from mlbench.stats import quantile_floor, slope_interval
from mlbench.study.attempts import Attempts, attempts_of
from mlbench.study.block import Block, reference_of
from mlbench.study.code import differing
from mlbench.study.layout import StudyManifest, Treatment
from mlbench.study.reach import reach_of

__all__ = ["StudyVerdict", "judge", "relaxed"]

TOLD = 50
"""How many runs that do not count are told with their reasons."""

DRIFTING = ("latency_p50", "throughput")
"""The slowdowns whose trend over blocks is tested."""

MORE_IS_LAXER = {
    "limits": {
        "lateness_p99_ms": True,
        "error_share": True,
        "presence_share": False,
        "harness_share": True,
        "drift_significance": False,
        "drift_share": True,
    },
    "study": {
        "min_blocks": False,
        "valid_share": False,
        "foreign_share": True,
        "steal_share": True,
    },
}
"""The thresholds of a spec, and whether a greater one lets more pass."""


@dataclass(frozen=True)
class StudyVerdict:
    """VALID, or INVALID with every reason.

    Parameters
    ----------
    reasons
        As sentences; empty for a valid study.
    notes
        What was left out of a study that is valid all the same.
    relaxed
        Thresholds of the spec that let more pass than the defaults.
    attempts
        Those that were made and discarded, with their reasons, of a valid study too.
    needed
        The fewest blocks with which it can still be VALID, where blocks are all that it lacks;
        null where they are not, or no number of them will do.
    """

    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    relaxed: tuple[str, ...]
    attempts: Attempts
    needed: int | None = None

    @property
    def valid(self) -> bool:
        """Whether there is no reason against the study."""
        return not self.reasons

    def __str__(self) -> str:
        return "VALID" if self.valid else "INVALID"


def judge(manifest: StudyManifest, status: str, blocks: Sequence[Block]) -> StudyVerdict:
    """Whether a study measured what its spec says.

    It is INVALID if it did not come to its end, a comparison has too few VALID blocks or too
    few that are VALID without an attempt that failed by itself, its slowdowns drift, its runs
    come from different machines or ran different code, or a run has too few queries for a
    quantile that the spec asks for. A run that is not VALID (the harness was late, a
    co-tenant was absent, queries failed, others used the machine) takes its block out.

    Parameters
    ----------
    status
        Of the study, with ``aborted`` derived.
    blocks
        As far as they have come.
    """
    attempts = attempts_of(manifest)
    few = list(_too_few(manifest, blocks, attempts)) if status != "going" else []
    left_out = list(_left_out(blocks))
    others = [*_machines(blocks), *differing(blocks), *_drifts(manifest, blocks)]
    others += _too_few_queries(manifest, blocks)
    reasons = [*_ending(manifest, status), *few, *others, *(left_out if few else ())]
    return StudyVerdict(
        reasons=_once(reasons),
        notes=() if few else _once(left_out),
        relaxed=relaxed(manifest.spec),
        attempts=attempts,
        needed=_needed(manifest) if status == "done" and few and not others else None,
    )


def relaxed(bench: Benchmark) -> tuple[str, ...]:
    """The thresholds of a spec that let more pass than the defaults, in words.

    Examples
    --------
    >>> relaxed(Benchmark(name="b", study={"min_blocks": 1}, limits={"error_share": 0.001}))
    ('study.min_blocks 1 instead of 3',)
    """
    sections: dict[str, tuple[BaseModel, BaseModel]] = {
        "limits": (bench.limits, Limits()),
        "study": (bench.study, StudySpec()),
    }
    found = []
    for section, names in MORE_IS_LAXER.items():
        mine, default = sections[section]
        for name, more in names.items():
            value, usual = getattr(mine, name), getattr(default, name)
            if value != usual and (value > usual) == more:
                found.append(f"{section}.{name} {value:g} instead of {usual:g}")
    return tuple(found)


def _once(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _ending(manifest: StudyManifest, status: str) -> Iterator[str]:
    planned = [run for run in manifest.runs if run.status == "planned"]
    made, all_runs = len(manifest.runs) - len(planned), len(manifest.runs)
    match status:
        case "done":
            pass
        case "going":
            yield f"The study is still going ({made} of {all_runs} runs), so this is not final."
        case "aborted":
            yield "The study was aborted: its process ended without closing it."
        case "stopped":
            yield f"The study was stopped after {made} of {all_runs} runs."
        case _:
            yield "The study failed."
    yield from manifest.reasons


def _collocated(manifest: StudyManifest) -> Iterator[Treatment]:
    return (each for each in manifest.treatments if each.role == "collocated")


def _too_few(manifest: StudyManifest, blocks: Sequence[Block], attempts: Attempts) -> Iterator[str]:
    study, planned = manifest.spec.study, manifest.repeats
    for treatment in _collocated(manifest):
        names = _together(manifest, treatment)
        valid = [block for block in blocks if _counts(block, names)]
        first = sum(_at_first(block, names, attempts) for block in valid)
        told = f"{treatment.name} has {_blocks(len(valid))} of {planned}"
        if first < len(valid):
            told += f", {first} of them without a discarded attempt that failed by itself"
        if len(valid) < study.min_blocks:
            limit = study.min_blocks
            yield f"{told}, fewer than {limit} (study: {{min_blocks: {limit}}})."
        elif first < study.valid_share * planned:
            share = study.valid_share
            yield f"{told}, less than {share:.0%} of them (study: {{valid_share: {share:g}}})."


def _needed(manifest: StudyManifest) -> int | None:
    reach = reach_of(manifest)
    return None if reach.valid else reach.needed


def _blocks(count: int) -> str:
    return f"{count} VALID block{'s' * (count != 1)}"


def _together(manifest: StudyManifest, treatment: Treatment) -> set[str]:
    """The treatment and all that it is compared with."""
    references = (reference_of(manifest, name) for name in treatment.pipelines)
    return {treatment.name, *(each.name for each in references if each is not None)}


def _counts(block: Block, names: set[str]) -> bool:
    return all(name in block.runs and block.runs[name].valid for name in names)


def _at_first(block: Block, names: set[str], attempts: Attempts) -> bool:
    """Whether no run of a block was made again because of what its pipelines did.

    What came from outside (others' load, a hypervisor, an interrupt) is no choice of runs.
    """
    return not any(attempts.own_failures(block.number, name) for name in names)


def _left_out(blocks: Sequence[Block]) -> Iterator[str]:
    """Why runs do not count, one by one."""
    found = [
        f"{run.entry.directory}: {reason}"
        for block in blocks
        for run in block.runs.values()
        for reason in run.reasons
    ]
    yield from found[:TOLD]
    if len(found) > TOLD:
        yield f"And {len(found) - TOLD} reasons more against single runs."


def _machines(blocks: Sequence[Block]) -> Iterator[str]:
    known = {run.machine for block in blocks for run in block.runs.values() if run.machine}
    if len(known) > 1:
        yield (
            f"The runs come from {len(known)} machines, or from one whose hardware, driver or "
            "kernel changed: they cannot be compared."
        )


# -- drift -------------------------------------------------------------------------------


def _drifts(manifest: StudyManifest, blocks: Sequence[Block]) -> Iterator[str]:
    """Slowdowns that go up or down over the order of the blocks.

    The interval takes blocks for exchangeable, and then there is no trend. The slope of
    the logarithm is tested by Student's t, at the study's significance divided by the
    number of slowdowns that are tested (Bonferroni).
    """
    limits, tested = manifest.spec.limits, list(_series(manifest, blocks))
    if not tested or not limits.drift_significance:
        return
    confidence = 1 - limits.drift_significance / len(tested)
    for treatment, pipeline, metric, values in tested:
        logs = [log(value) for value in values.values()]
        slope = slope_interval(list(values), logs, confidence)
        change = slope.estimate * (max(values) - min(values))
        surely = slope.low is not None and slope.high is not None and slope.low * slope.high > 0
        if surely and abs(change) > log(1 + limits.drift_share):
            yield (
                f"The slowdown of {pipeline} in {metric} in {treatment} drifts: its trend over "
                f"the blocks is {expm1(change):+.1%}, not chance (limits: "
                f"{{drift_share: {limits.drift_share:g}}})."
            )


def _series(
    manifest: StudyManifest, blocks: Sequence[Block]
) -> Iterator[tuple[str, str, str, Mapping[int, float]]]:
    for treatment in _collocated(manifest):
        for pipeline in treatment.pipelines:
            for metric in DRIFTING:
                values = _values(blocks, treatment.name, pipeline, metric)
                if len(values) >= 4 and len(set(values.values())) > 1:
                    yield treatment.name, pipeline, metric, values


def _values(
    blocks: Sequence[Block], treatment: str, pipeline: str, metric: str
) -> dict[int, float]:
    found = {}
    for block in blocks:
        compared = block.compared.get((treatment, pipeline))
        if compared is not None and compared.valid and compared.comparison is not None:
            value = compared.comparison.slowdown[metric].value
            if value is not None and (metric == "throughput" or not compared.comparison.saturated):
                found[block.number] = value
    return found


# -- quantiles that were asked for -------------------------------------------------------


def _too_few_queries(manifest: StudyManifest, blocks: Sequence[Block]) -> Iterator[str]:
    for key in manifest.spec.study.quantiles:
        floor = quantile_floor(QUANTILES[key])
        for pipeline, count in _fewest(blocks).items():
            if count < floor:
                seconds = manifest.window.seconds
                longer = f", here {ceil(seconds * floor / count)} s" if count else ""
                yield (
                    f"{key} of {pipeline} needs {floor} queries in each run, and one has {count}: "
                    f"a longer window (study: {{seconds: ...}}{longer}) has more."
                )


def _fewest(blocks: Sequence[Block]) -> dict[str, int]:
    """The fewest queries that each pipeline had in a run that counts."""
    found: dict[str, int] = {}
    for block in blocks:
        for run in block.runs.values():
            if run.valid:
                for name, count in run.queries.items():
                    found[name] = min(count, found.get(name, count))
    return found
