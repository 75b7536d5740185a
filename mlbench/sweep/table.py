"""The results of a sweep: one tidy table of all points, made from their directories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench.sweep.layout import RUNS, Point, SweepManifest, point_directory, read_plan
from mlbench.sweep.recording import recorded
from mlbench.sweep.state import PointState, states

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "results", "sweep_results"]

Row = dict[str, Any]
"""Cells by column; Any: a scalar, or plain data before it is typed."""

FIRST = ("point", "block", "combination", "repeat", "status")
MEASURED = (
    *("run", "study_block", "treatment", "role", "pipeline", "run_status", "verdict", "reasons"),
    *("queries", "errors", "saturated", "offered_rate"),
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
        ``verdict``, ``reasons``, ``queries``, ``errors``, ``saturated``, ``offered_rate``
        (queries/s); ``latency_mean_ms`` and the quantiles ``latency_p50_ms``, ``p90``, ``p99``
        (ms; null below their floor), ``throughput`` (queries/s), ``slowdown_throughput``,
        ``slowdown_latency_p50``, ... (above 1 is worse; of collocated runs), ``stp``,
        ``antt``, ``jain``, ``fairness``, each with its 95 % interval in ``NAME_low`` and
        ``NAME_high``; a column for each recorded value, a number with bounds, too;
        ``error_kind``, ``error``, ``error_cell``, ``attempts``, ``began`` (UTC),
        ``seconds``, ``identity``, ``seed``, and the origin: ``host``, ``machine``, ``gpu``,
        ``gpus``, ``cpus``, ``driver``, ``python``, ``mlbench``, ``commit``, ``dirty``,
        ``source``, ``environment``.

        A parameter whose name is one of these, such as ``cpus``, ``seed`` or ``host``, is the
        column ``parameter_NAME``, because the column ``cpus`` says what the point had; a
        recorded value is ``recorded_NAME`` then. ``table.attrs["parameters"]`` and
        ``table.attrs["recorded"]`` have the column of each, by its name in the plan or in the
        notebook: ``{"cpus": "parameter_cpus"}``. Lists and mappings, and columns whose values
        are of several kinds, are JSON texts.

        Intervals are a study's own where it has several blocks. Else they are over the
        repeats of a combination, the same in each of their rows: Student's t on the
        logarithms of the values, of recorded values on the values themselves.

    Raises
    ------
    NotARunError
        If there is no sweep, or it cannot be read.
    """
    from mlbench.sweep.frame import framed
    from mlbench.sweep.measured import METRICS

    directory = Path(path)
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


results = sweep_results


def _parameters(manifest: SweepManifest) -> Iterable[str]:
    return dict.fromkeys(name for point in manifest.points for name in point.parameters)


def _named(prefix: str, names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """The columns of names, such that none has one that is taken."""
    known = set(taken)
    return {name: f"{prefix}_{name}" if name in known else name for name in names}


def _every_row(directory: Path, manifest: SweepManifest, taken: Iterable[str]) -> Iterator[Row]:
    found = states(directory, [point.id for point in manifest.points])
    for point in manifest.points:
        yield from _rows(directory, point, found[point.id], taken)


def _rows(directory: Path, point: Point, state: PointState, taken: Iterable[str]) -> Iterator[Row]:
    """The rows of a point, ``recorded`` being a mapping still."""
    from mlbench.sweep.measured import measured

    folder = point_directory(directory, point.id)
    begun = state.attempts > 0 or state.began is not None
    parameters = _named("parameter", point.parameters, taken)
    base = {
        **_about(point, state),
        **{parameters[name]: value for name, value in point.parameters.items()},
        "recorded": recorded(folder) if begun else {},
    }
    seen = measured(folder / RUNS) if begun else []
    for row in seen or [{}]:
        spoilt = {} if state.status != "contaminated" else _spoilt(state)
        yield {**base, **row, **spoilt, "recorded": dict(base["recorded"])}


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
