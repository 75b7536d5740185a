"""The results of a sweep: one tidy table of all points, made from their directories."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench.sweep.layout import RUNS, Point, SweepManifest, point_directory, read_plan
from mlbench.sweep.recording import recorded
from mlbench.sweep.state import PointState, is_finished, states

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.study.judge import StudyVerdict
    from mlbench.sweep.measured import Measured

__all__ = ["COLUMNS", "results", "sweep_results"]

Row = dict[str, Any]
"""Cells by column; Any: a scalar, or plain data before it is typed."""

FIRST = ("point", "block", "combination", "repeat", "status")
MEASURED = (
    *("run", "study_block", "treatment", "role", "pipeline", "run_status", "verdict", "reasons"),
    *("relaxed", "left_out", "needed_repeats", "queries", "errors", "saturated", "offered_rate"),
)
PROVENANCE = (
    *("host", "machine", "gpu", "gpus", "cpus", "driver", "python", "mlbench", "commit", "dirty"),
    *("source", "environment"),
)
LAST = (
    *("error_kind", "error", "error_cell", "attempts", "began", "seconds", "identity", "seed"),
    *PROVENANCE,
)
COLUMNS = (*FIRST, *MEASURED, *LAST)
"""Those that every table has besides parameters, metrics with bounds, and recorded values."""


def sweep_results(path: str | PathLike[str]) -> pd.DataFrame:
    """One tidy table of all points of a sweep, finished or not.

    A point has a row for each treatment and pipeline of its runs, and one row if it has no
    run. Points that failed, hung or died have theirs, with ``status`` and error.

    Parameters
    ----------
    path
        Directory of the sweep.

    Returns
    -------
    DataFrame
        ``point``, ``block``, ``combination`` (index of its parameters), ``repeat``,
        ``status`` (see `mlbench.sweep.state`); a column for each parameter; ``run`` (its
        directory), ``study_block``, ``treatment``, ``role``, ``pipeline``, ``run_status``,
        ``verdict``, ``reasons``, ``relaxed`` (thresholds of its study), ``left_out`` (its run
        does not count, and its study is VALID without it), ``needed_repeats`` (with which its
        study can still be VALID, where blocks are all that it lacks), ``queries``, ``errors``,
        ``saturated``, ``offered_rate`` (queries/s); ``latency_mean_ms`` and the quantiles
        ``latency_p50_ms``, ``p90``, ``p99`` (ms; null below their floor), ``throughput``
        (queries/s), ``slowdown_throughput``, ``slowdown_latency_p50``, ... (above 1 is worse; of
        collocated runs), ``stp``, ``antt``, ``jain``, ``fairness``, each with its 95 % interval in
        ``NAME_low`` and ``NAME_high``; a column for each recorded value, a number with bounds, too;
        ``error_kind``, ``error``, ``error_cell``, ``attempts``, ``began`` (UTC), ``seconds``,
        ``identity``, ``seed``, and the origin: ``host``, ``machine``, ``gpu``, ``gpus``, ``cpus``,
        ``driver``, ``python``, ``mlbench``, ``commit``, ``dirty``, ``source``, ``environment``.

        A parameter whose name is one of these, such as ``cpus``, ``seed`` or ``host``, is the
        column ``parameter_NAME``, because the column ``cpus`` says what the point had; a
        recorded value is ``recorded_NAME`` then. ``table.attrs["parameters"]`` and
        ``table.attrs["recorded"]`` have the column of each, by its name in the plan or in the
        notebook: ``{"cpus": "parameter_cpus"}``. Lists and mappings, and columns whose values
        are of several kinds, are JSON texts.

        Intervals are a study's own where it has several blocks. Else they are over the
        repeats of a combination, the same in each of their rows: Student's t on the
        logarithms of the values, of recorded values on the values themselves.

    A row is INVALID if its run is, or its study: that of a notebook by itself, of a spec the
    studies of all repeats of a combination together, each of which is one block of it.

    Raises
    ------
    NotARunError
        If there is no sweep, or it cannot be read.
    """
    return _table(Path(path))


results = sweep_results


def _table(directory: Path) -> pd.DataFrame:
    from mlbench.sweep.frame import framed
    from mlbench.sweep.measured import METRICS

    manifest = read_plan(directory)
    taken = {*COLUMNS, *METRICS}
    rows = list(_every_row(directory, manifest, taken))
    parameters = _named("parameter", _parameters(manifest), taken)
    values = dict.fromkeys(name for row in rows for name in row["recorded"])
    record = _named("recorded", values, taken | set(parameters.values()))
    for row in rows:
        row.update({record[name]: value for name, value in row.pop("recorded").items()})
    table = framed(rows, tuple(parameters.values()), tuple(record.values()))
    table.attrs = {"parameters": parameters, "recorded": record}
    return table


def _parameters(manifest: SweepManifest) -> Iterable[str]:
    return dict.fromkeys(name for point in manifest.points for name in point.parameters)


def _named(prefix: str, names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """The columns of names, such that none has one that is taken."""
    known = set(taken)
    return {name: f"{prefix}_{name}" if name in known else name for name in names}


def _every_row(directory: Path, manifest: SweepManifest, taken: Iterable[str]) -> Iterator[Row]:
    found = states(directory, [point.id for point in manifest.points])
    by_themselves = manifest.kind == "notebook"
    seen = {
        point.id: _seen(directory, point, found[point.id], by_themselves)
        for point in manifest.points
    }
    verdicts = _verdicts(manifest, found, seen)
    for point in manifest.points:
        verdict = verdicts.get(point.combination)
        yield from _rows(directory, point, found[point.id], taken, seen[point.id], verdict)


def _seen(directory: Path, point: Point, state: PointState, by_themselves: bool) -> Measured:
    from mlbench.sweep.measured import Measured, measured

    if not _is_begun(state):
        return Measured([], [])
    return measured(point_directory(directory, point.id) / RUNS, by_themselves)


def _is_begun(state: PointState) -> bool:
    return state.attempts > 0 or state.began is not None


def _verdicts(
    manifest: SweepManifest, found: Mapping[str, PointState], seen: Mapping[str, Measured]
) -> dict[int, StudyVerdict]:
    """What the studies of each combination say together, where all its points are finished."""
    from mlbench.sweep.judged import judged

    if manifest.kind != "study":
        return {}
    attempts, points = manifest.plan.contamination.attempts, defaultdict(list)
    for point in manifest.points:
        points[point.combination].append(point)
    verdicts = {}
    for combination, repeats in points.items():
        studies = [(each, study) for each in repeats for study in seen[each.id].studies]
        if studies and all(is_finished(found[each.id], attempts) for each in repeats):
            verdicts[combination] = judged(studies, len(repeats))
    return verdicts


def _rows(
    directory: Path,
    point: Point,
    state: PointState,
    taken: Iterable[str],
    seen: Measured,
    verdict: StudyVerdict | None,
) -> Iterator[Row]:
    """The rows of a point; ``recorded`` is a mapping still, and ``judged`` cells for the end."""
    from mlbench.sweep.measured import verdict_cells

    parameters = _named("parameter", point.parameters, taken)
    base = {
        **_about(point, state),
        **{parameters[name]: value for name, value in point.parameters.items()},
        "recorded": recorded(point_directory(directory, point.id)) if _is_begun(state) else {},
    }
    for row in seen.rows or [{}]:
        cells = verdict_cells(verdict, row) if verdict is not None and row else {}
        spoilt = {} if state.status != "contaminated" else _spoilt(state)
        judged = {**row.get("judged", {}), **cells, **spoilt}
        yield {**base, **row, **spoilt, "judged": judged, "recorded": dict(base["recorded"])}


def _spoilt(state: PointState) -> Row:
    return {"verdict": "INVALID", "reasons": " ".join(state.reasons)}


def _about(point: Point, state: PointState) -> Row:
    error, origin = state.error or {}, state.provenance
    return {
        "point": point.id,
        "block": point.block,
        "combination": point.combination,
        "repeat": point.repeat,
        "status": state.status,
        "error_kind": error.get("kind"),
        "error": error.get("message"),
        "error_cell": error.get("cell"),
        "attempts": state.attempts,
        "began": state.began,
        "seconds": state.seconds,
        "identity": point.identity,
        "seed": point.seed,
        **{name: _told(origin.get(name)) for name in PROVENANCE},
    }


def _told(value: Any) -> Any:  # Any: JSON
    return json.dumps(value) if isinstance(value, list | dict) else value
