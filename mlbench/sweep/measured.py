"""What the runs and studies of a point say: one row a treatment and pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlbench.errors import NotARunError
from mlbench.run import Run
from mlbench.store.kind import is_run, is_study
from mlbench.study.layout import RunEntry
from mlbench.study.reader import StudyReader, counted
from mlbench.study.results import TreatmentResult
from mlbench.study.study import Study

__all__ = ["METRICS", "measured"]

Row = dict[str, Any]
"""Cells by column; Any: a scalar."""

LATENCIES = {f"latency_{name}_ms": name for name in ("mean", "p50", "p90", "p99")}

SLOWDOWNS = ("latency_mean", "latency_p50", "latency_p90", "latency_p99", "throughput")

TOGETHER = ("stp", "antt", "jain", "fairness")

METRICS = (
    *LATENCIES,
    "throughput",
    *(f"slowdown_{name}" for name in SLOWDOWNS),
    *TOGETHER,
)
"""Columns that have bounds, in ``NAME_low`` and ``NAME_high``; all are above zero."""

DEEPEST = 2
"""Folders below that of a point's runs, in which a run or a study may stand."""


def measured(runs: Path) -> list[Row]:
    """The rows of everything that stands in the folder of a point's runs."""
    return [row for path in _found(runs, DEEPEST) for row in _rows(path, runs)]


def _found(folder: Path, deep: int) -> Iterator[Path]:
    """Runs and studies in a folder, in the order of their names, which begin with their time."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            continue
        if is_study(path) or is_run(path):
            yield path
        elif deep > 1:
            yield from _found(path, deep - 1)


def _rows(path: Path, runs: Path) -> Iterator[Row]:
    name = path.relative_to(runs).as_posix()
    try:
        found = list(_study(path) if is_study(path) else _run(Run(path)))
    except NotARunError as error:
        found = [{"verdict": "INVALID", "reasons": str(error)}]
    for row in found:
        yield {"run": name, **row}


def _run(run: Run) -> Iterator[Row]:
    """One row a pipeline of a run; one without, if it has none to tell of."""
    summary = run.summary()
    about = {
        "run_status": summary["status"],
        "verdict": summary["verdict"],
        "reasons": " ".join(summary["reasons"]) or None,
    }
    for pipeline, found in summary["pipelines"].items():
        yield {"pipeline": pipeline, **about, **_cells(found)}
    if not summary["pipelines"]:
        yield about


def _cells(found: Mapping[str, Any]) -> Row:  # Any: JSON
    return {
        "queries": found["queries"],
        "errors": found["errors"],
        "saturated": found["saturated"],
        "offered_rate": found["offered_rate"],
        "throughput": found["achieved_rate"],
        **{column: found["latency_ms"].get(name) for column, name in LATENCIES.items()},
    }


def _study(path: Path) -> Iterator[Row]:
    """One row a block, treatment and pipeline; those together have what collocation costs."""
    study, reader = Study(path), StudyReader(path)
    manifest, results = study.manifest, study.results()
    for (block, treatment), entry in counted(manifest).items():
        role = manifest.treatment(treatment).role
        if role == "capacity":
            continue
        place = {"study_block": block, "treatment": treatment, "role": role}
        for row in _run(Run(reader.run_path(entry))):
            costs = _costs(results.get(treatment), row.get("pipeline"))
            yield {**row, **place, **_judged(entry), **costs}


def _judged(entry: RunEntry) -> Row:
    """The verdict that the study gives the run: others count, too."""
    reasons = " ".join(entry.reasons) or None
    return {"run_status": entry.status, "verdict": entry.verdict, "reasons": reasons}


def _costs(result: TreatmentResult | None, pipeline: str | None) -> Row:
    if result is None or pipeline is None or pipeline not in result.pipelines:
        return {}
    found = result.pipelines[pipeline].slowdown
    estimates = {f"slowdown_{name}": found[name] for name in SLOWDOWNS if name in found}
    estimates |= {name: result.together[name] for name in TOGETHER}
    cells: Row = {}
    for name, each in estimates.items():
        cells |= {name: each.estimate, f"{name}_low": each.low, f"{name}_high": each.high}
    return cells
