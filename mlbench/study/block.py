"""One block of a study: its runs are read, judged and compared, and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlbench.analysis.comparison import Comparison, compare
from mlbench.analysis.observation import Observation, observe
from mlbench.analysis.outcome import outcome_of
from mlbench.analysis.queries import Queries, walked_queries
from mlbench.analysis.record import Record
from mlbench.errors import NotARunError
from mlbench.run import Run
from mlbench.seed import derive
from mlbench.spec import Pipeline, Request
from mlbench.study.code import code_of
from mlbench.study.fitting import reasons_of
from mlbench.study.layout import RunEntry, StudyManifest, Treatment
from mlbench.study.reader import StudyReader

__all__ = ["Block", "Compared", "RunFindings", "read_block", "reference_of"]


@dataclass(frozen=True)
class RunFindings:
    """What is kept of one run.

    Parameters
    ----------
    reasons
        Why it does not count, empty where it does.
    outcomes
        How each pipeline came out of it; null where the run says nothing of it.
    queries
        How many of each were due in the window.
    machine
        Identity of the machine, empty if unknown.
    code
        What ran, by name: the hash of each module and local stage that the spec names, and
        the version of mlbench.
    """

    entry: RunEntry
    reasons: tuple[str, ...]
    outcomes: Mapping[str, str | None]
    queries: Mapping[str, int]
    machine: str
    code: Mapping[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether there is nothing against it."""
        return not self.reasons


@dataclass(frozen=True)
class Compared:
    """A pipeline of a collocated run beside itself alone.

    Parameters
    ----------
    comparison
        Null where there is none, for which ``reason`` says why.
    valid
        Whether both runs count.
    """

    comparison: Comparison | None
    valid: bool
    reason: str | None = None


@dataclass(frozen=True)
class Block:
    """What is kept of one block.

    Parameters
    ----------
    runs
        By treatment, those that have ended.
    compared
        By treatment and pipeline.
    """

    number: int
    runs: Mapping[str, RunFindings]
    compared: Mapping[tuple[str, str], Compared]


@dataclass(frozen=True)
class Seen:
    """One run while its block is looked at."""

    findings: RunFindings
    pipelines: Mapping[str, Pipeline]
    observations: Mapping[str, Observation]


def reference_of(manifest: StudyManifest, pipeline: str) -> Treatment | None:
    """The isolated treatment that a pipeline is compared with; null without one."""
    isolated = (each for each in manifest.treatments if each.role == "isolated")
    return next((each for each in isolated if pipeline in each.pipelines), None)


def read_block(
    reader: StudyReader,
    manifest: StudyManifest,
    number: int,
    entries: Mapping[str, RunEntry],
    draws: int = 0,
) -> Block:
    """One block, as far as it has come; the tables of its runs are in memory meanwhile.

    Parameters
    ----------
    entries
        By treatment, the run of this block that counts.
    draws
        How often queries are resampled, for the hierarchical bootstrap.
    """
    seen = {
        each.name: _read(reader, manifest, each, entries[each.name])
        for each in manifest.treatments
        if each.role != "capacity" and each.name in entries
    }
    compared = {}
    for treatment in manifest.treatments:
        if treatment.role == "collocated" and treatment.name in seen:
            for pipeline in treatment.pipelines:
                seed = derive(manifest.seed, "bootstrap", treatment.name, pipeline, number)
                beside = _beside(manifest, seen, pipeline)
                together = seen[treatment.name]
                compared[treatment.name, pipeline] = _compared(
                    pipeline, beside, together, draws, seed
                )
    runs = {name: each.findings for name, each in seen.items()}
    return Block(number, runs, compared)


def _beside(manifest: StudyManifest, seen: Mapping[str, Seen], pipeline: str) -> Seen | str:
    """The isolated run of a pipeline in this block, or why there is none."""
    reference = reference_of(manifest, pipeline)
    if reference is None:
        return "it is only what the others are measured beside: no treatment has it alone"
    return seen.get(reference.name) or f"its run of {reference.name} has not ended"


def _compared(pipeline: str, alone: Seen | str, together: Seen, draws: int, seed: int) -> Compared:
    if isinstance(alone, str):
        return Compared(None, valid=False, reason=alone)
    valid = alone.findings.valid and together.findings.valid
    for side, where in ((alone, "alone"), (together, "together")):
        if pipeline not in side.observations:
            return Compared(None, valid, f"it has no numbers {where}: its run did not get through")
    if not _same(alone.pipelines[pipeline], together.pipelines[pipeline]):
        return Compared(None, valid, "alone it had another load, other stages or other data")
    found = compare(alone.observations[pipeline], together.observations[pipeline], draws, seed)
    return Compared(found, valid)


def _same(alone: Pipeline, together: Pipeline) -> bool:
    """Whether both are the same work, wherever it is placed."""
    ignored = {"place", "slo", "outputs"}
    return alone.model_dump(exclude=ignored) == together.model_dump(exclude=ignored)


def _read(
    reader: StudyReader, manifest: StudyManifest, treatment: Treatment, entry: RunEntry
) -> Seen:
    try:
        run = Run(reader.run_path(entry))
        record = run.record()
    except NotARunError as error:
        return Seen(RunFindings(entry, (str(error),), {}, {}, ""), {}, {})
    walked = {name: walked_queries(record, name) for name in record.names}
    queries = {name: found for name, (found, _) in walked.items()}
    mismatch = list(_mismatch(run.request, manifest, treatment, entry))
    reasons = [*mismatch, *reasons_of(record, queries)]
    if entry.verdict == "INVALID":
        reasons += entry.reasons or ["It is marked INVALID."]
    through = record.status == "done" and not mismatch
    observed = {n: observe(record, n, walked[n]) for n in record.names} if through else {}
    findings = RunFindings(
        entry=entry,
        reasons=tuple(dict.fromkeys(reasons)),
        outcomes={n: _outcome(record, n, each, observed.get(n)) for n, each in queries.items()},
        queries={name: int(each.measured.sum()) for name, each in queries.items()},
        machine=str((record.manifest.get("machine") or {}).get("identity") or ""),
        code=code_of(run.request, record.manifest),
    )
    return Seen(findings, record.bench.pipelines, observed)


def _outcome(
    record: Record, name: str, queries: Queries, observation: Observation | None
) -> str | None:
    saturated = observation.saturation.saturated if observation else None
    return outcome_of(record, name, queries, saturated)


def _mismatch(
    request: Request, manifest: StudyManifest, treatment: Treatment, entry: RunEntry
) -> Iterator[str]:
    """How the run differs from what ``study.json`` says of it."""
    pairs = {
        "block": (request.block, entry.block),
        "pipelines": (sorted(request.names), sorted(treatment.pipelines)),
        "window": (request.window, manifest.window),
    }
    for what, (found, told) in pairs.items():
        if found != told:
            yield f"{entry.directory} is another run than study.json says: its {what} differs."
