"""One point that is a run or a study of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlbench.collocation.studies import collocate, resume, with_study
from mlbench.collocation.watcher import Watcher
from mlbench.run import start
from mlbench.spec import Benchmark, Document
from mlbench.store.kind import is_study
from mlbench.study.reader import counted
from mlbench.sweep.layout import RUNS, Point, SweepManifest, point_directory, source_of
from mlbench.sweep.outcome import Outcome
from mlbench.sweep.spec_target import bench_of
from mlbench.sweep.state import CONTAMINATED, FAILED
from mlbench.sweep.target import see_modules_beside

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["execute", "point_bench"]


def point_bench(directory: Path, manifest: SweepManifest, point: Point) -> Benchmark:
    """The benchmark of a point, with its parameters and its seed."""
    document = Document.read(source_of(directory, manifest.kind))
    bench = bench_of(document, point.parameters).model_copy(update={"seed": point.seed})
    if manifest.kind == "run":
        return bench
    # A sweep repeats studies of one block: what holds, all of them say together (`judged`).
    return with_study(bench, repeats=1)


def execute(directory: Path, manifest: SweepManifest, point: Point) -> Outcome:
    """Make the run or the study, and return how that came out.

    A study that was cut off is gone on with.
    """
    see_modules_beside(Path(manifest.plan.target))
    bench = point_bench(directory, manifest, point)
    out = point_directory(directory, point.id) / RUNS
    if manifest.kind == "run":
        run = start(bench, out).wait()
        reasons = "; ".join(run.manifest["reasons"])
        return Outcome() if run.status == "done" else Outcome.failed("RunFailed", reasons)
    begun = [path for path in sorted(out.iterdir()) if is_study(path)] if out.is_dir() else []
    made = resume(begun[0], watcher=Watcher()) if begun else None
    if made is None or isinstance(made, dict):
        made = collocate(bench, out=out, watcher=Watcher())
    return _outcome(made)


def _outcome(study: Study) -> Outcome:
    """Failed if nothing of it can be compared; contaminated if others spoilt every attempt."""
    manifest = study.manifest
    if study.status != "done":
        return Outcome.failed("StudyFailed", "; ".join(manifest.reasons) or study.status)
    runs = counted(manifest).values()
    failed = [run for run in runs if run.status != "done" and not run.disturbed]
    if failed:
        told = "; ".join(f"{run.treatment}: {' '.join(run.reasons)}" for run in failed)
        return Outcome.failed("RunFailed", told, status=FAILED)
    disturbed = [run for run in runs if run.disturbed]
    if disturbed:
        reasons = tuple(f"{run.treatment}: {each}" for run in disturbed for each in run.reasons)
        return Outcome(CONTAMINATED, reasons=reasons)
    return Outcome()
