"""What the page says around its tables and figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlbench import __version__
from mlbench.run import Run
from mlbench.spec import Benchmark, Pipeline

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["Section", "sections_of"]

Json = Mapping[str, Any]
"""A manifest, a summary or a part of one; Any: JSON."""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    badge
        The verdict, where it has one.
    facts
        Names and values.
    listings
        Text as it is.
    """

    id: str
    title: str
    badge: str = ""
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    listings: tuple[str, ...] = ()


def sections_of(source: Run | Study) -> tuple[list[Section], list[Section]]:
    """The sections above tables and figures, and those below."""
    if isinstance(source, Run):
        manifest = source.manifest
        machine = manifest.get("machine") or {}
        verdict = _run_verdict(source)
    else:
        machine = source.manifest.environment
        verdict = _study_verdict(source)
    before = [_setup(source, machine), verdict]
    after = [_environment(source, machine), _reproduce(source)]
    return before, after


# -- setup -------------------------------------------------------------------------------


def _setup(source: Run | Study, machine: Json) -> Section:
    bench = source.bench
    text = [bench.description] if bench.description else []
    names = ", ".join(bench.pipelines)
    count = len(bench.pipelines)
    text.append(f"{count} pipeline{'s' * (count != 1)}: {names}." if count else "No pipelines.")
    facts = [(name, _pipeline(pipeline)) for name, pipeline in bench.pipelines.items()]
    return Section(
        "setup", bench.name, paragraphs=tuple(text), facts=(*facts, ("machine", _machine(machine)))
    )


def _pipeline(pipeline: Pipeline) -> str:
    """Data, stages, load, execution and objective in a sentence."""
    options = ", ".join(f"{key} {value}" for key, value in pipeline.load.options.items())
    load = f"{pipeline.load.name} ({options})" if options else pipeline.load.name
    stages = " → ".join(f"{name} ({stage.uses})" for name, stage in pipeline.stages.items())
    objective = f"; SLO {pipeline.slo.latency_ms:g} ms" if pipeline.slo else ""
    return f"{pipeline.data.uses} → {stages}; load {load}; {pipeline.execution}{objective}"


def _machine(machine: Json) -> str:
    if not machine:
        return "not recorded"
    cpu, memory = machine.get("cpu") or {}, machine.get("memory") or {}
    gpus = [str(each.get("name")) for each in (machine.get("gpus") or {}).get("devices") or ()]
    total = memory.get("total_bytes")
    count = len(cpu.get("available") or ())
    parts = [
        str(cpu.get("model") or "unknown processor"),
        f"{count} processor{'s' * (count != 1)}",
        f"{total / 2**30:.1f} GiB" if total else "",
        ", ".join(gpus) or "no GPU",
    ]
    return ", ".join(part for part in parts if part)


# -- verdict -----------------------------------------------------------------------------


def _run_verdict(run: Run) -> Section:
    summary = run.summary()
    text = [
        f"The run is {summary['status']}; its pipelines shared {summary['shared_seconds']:.4g} s."
    ]
    items = [*summary["reasons"], *_findings(summary)]
    return Section("verdict", "Verdict", summary["verdict"], tuple(text), tuple(items))


def _findings(summary: Json) -> Iterator[str]:
    for name, found in summary["pipelines"].items():
        if found["reason"]:
            yield f"{name}: {found['reason']}"
        if found["saturated"]:
            yield f"{name} was saturated: its latency depends on how long one looked."
        for failure in found["failures"]:
            yield f"{name}: {failure['count']:,} {failure['outcome']}: {failure['error']}"
        if found["slo"] and found["slo"]["attainment"] is not None:
            limit, share = found["slo"]["latency_ms"], found["slo"]["attainment"]
            yield f"{name}: {share:.1%} of the offered queries within {limit:g} ms."


def _study_verdict(study: Study) -> Section:
    verdict = study.summary()["verdict"]
    return Section("verdict", "Verdict", verdict, tuple(study.describe().split("\n\n")))


# -- environment and reproduction --------------------------------------------------------


def _environment(source: Run | Study, machine: Json) -> Section:
    facts = [("machine", _machine(machine)), *_software(machine)]
    if machine.get("identity"):
        facts.append(("machine's identity", str(machine["identity"])))
    return Section("environment", "Environment", facts=(*facts, *_identity(source)))


def _software(machine: Json) -> Iterator[tuple[str, str]]:
    software: Json = machine.get("software") or {}
    system = " ".join(str(software[key]) for key in ("system", "kernel") if software.get(key))
    if system:
        yield "system", system
    if software.get("python"):
        yield "Python", str(software["python"])
    packages: Json = software.get("packages") or {}
    if packages:
        yield "packages", ", ".join(f"{name} {version}" for name, version in packages.items())


def _identity(source: Run | Study) -> Iterator[tuple[str, str]]:
    if isinstance(source, Run):
        request, begin = source.request, (source.manifest.get("clock") or {}).get("begin")
        yield "run", source.id
        if begin:
            yield "began", _utc(begin["realtime_ns"] / 1e9)
        yield "spec", request.spec_hash
        if request.local_code:
            yield "local code", ", ".join(f"{k} {v}" for k, v in request.local_code.items())
    else:
        manifest = source.manifest
        yield "study", source.id
        yield "began", _utc(manifest.created)
        yield "spec", manifest.spec_hash
        yield "made with", f"mlbench {manifest.mlbench}"
    yield "read with", f"mlbench {__version__}"


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _spec(bench: Benchmark) -> str:
    """The spec as YAML, without what is as by default: a run holds it with all filled in."""
    from mlbench.spec.document import dump

    return dump(bench.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def _reproduce(source: Run | Study) -> Section:
    bench: Benchmark = source.bench
    command = "run" if isinstance(source, Run) else "collocate"
    text = [f"Save this as spec.yml and type: mlbench {command} spec.yml"]
    if isinstance(source, Run) and source.request.local_code:
        text.append(
            "Some of its stages were defined in a notebook or a script; the hash of their source "
            "stands above, and the spec alone does not bring them back."
        )
    return Section(
        "reproduce", "How to reproduce", paragraphs=tuple(text), listings=(_spec(bench),)
    )
