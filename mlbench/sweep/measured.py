"""What the runs and studies of a point say: one row a treatment and pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbench.errors import NotARunError
from mlbench.run import Run
from mlbench.store.kind import is_run, is_study
from mlbench.study.block import RunFindings
from mlbench.study.judge import StudyVerdict
from mlbench.study.results import TreatmentResult
from mlbench.study.study import Study

__all__ = ["METRICS", "Measured", "first_study", "measured", "verdict_cells"]

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


@dataclass(frozen=True)
class Measured:
    """What stands in the folder of a point's runs.

    Parameters
    ----------
    rows
        One a treatment and pipeline.
    studies
        Those of them that can be read.
    """

    rows: list[Row]
    studies: list[Study]


def measured(runs: Path, by_themselves: bool) -> Measured:
    """Everything that stands in the folder of a point's runs.

    Parameters
    ----------
    by_themselves
        Whether each study has the last word on its rows, in ``judged``: then no other point
        has blocks of it.
    """
    seen = [_seen(path, runs, by_themselves) for path in _found(runs, DEEPEST)]
    return Measured(
        [row for each in seen for row in each.rows],
        [study for each in seen for study in each.studies],
    )


def first_study(runs: Path) -> Study | None:
    """The first study in the folder of a point's runs; null without one."""
    return next((Study(path) for path in _found(runs, DEEPEST) if is_study(path)), None)


def verdict_cells(verdict: StudyVerdict, row: Row) -> Row:
    """The cells that the verdict of its study gives a row, which has that of its run by itself.

    A run that does not count is left out of a study that is VALID without it.
    """
    cells: Row = {"relaxed": "; ".join(verdict.relaxed) or None, "needed_repeats": verdict.needed}
    if verdict.valid:
        return {**cells, "left_out": row.get("verdict") == "INVALID"}
    return {**cells, "left_out": False, "verdict": "INVALID", "reasons": " ".join(verdict.reasons)}


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


def _seen(path: Path, runs: Path, by_themselves: bool) -> Measured:
    name = path.relative_to(runs).as_posix()
    studies = []
    try:
        if is_study(path):
            studies = [Study(path)]
            found = list(_study(studies[0]))
            if by_themselves:
                verdict = studies[0].verdict()
                found = [{**row, "judged": verdict_cells(verdict, row)} for row in found]
        else:
            found = list(_run(Run(path)))
    except NotARunError as error:
        found = [{"verdict": "INVALID", "reasons": str(error)}]
    return Measured([{"run": name, **row} for row in found], studies)


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


def _study(study: Study) -> Iterator[Row]:
    """One row a block, treatment and pipeline; those together have what collocation costs."""
    manifest, results = study.manifest, study.results()
    for block in study.blocks():
        for treatment, found in block.runs.items():
            role = manifest.treatment(treatment).role
            place = {"study_block": block.number, "treatment": treatment, "role": role}
            for row in _run(study.run(block.number, treatment)):
                costs = _costs(results.get(treatment), row.get("pipeline"))
                yield {**row, **place, **_judged(found), **costs}


def _judged(found: RunFindings) -> Row:
    """The verdict that the study gives the run: others count, too."""
    verdict = "VALID" if found.valid else "INVALID"
    reasons = " ".join(found.reasons) or None
    return {"run_status": found.entry.status, "verdict": verdict, "reasons": reasons}


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
