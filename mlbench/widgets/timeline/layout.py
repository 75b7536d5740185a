"""Layout: what the lanes, rows, phases and marks of a timeline are, in plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from re import search, split
from typing import Any

from mlbench.figures.palette import looks
from mlbench.figures.telemetry import PREFERRED, RATES, SPELLED
from mlbench.widgets.timeline.trace import Key, Trace

__all__ = ["SHOWN", "layout_of", "shown_of"]

Json = dict[str, Any]
"""Plain data; Any: JSON."""

STAND_IN = "stand-in"
FETCH = "data"

SHOWN = (
    r"^gpu_sm_activity$",
    r"^gpu_busy$",
    r"^gpu_memory_used$",
    r"^gpu_power_instant$|^gpu_power_average$|^package_energy$|^cpu_energy$",
    r"^host_cpu_busy$",
    r"^cpu_time$",
    r"^memory_rss$|^host_memory_used$",
    r"^host_pressure_cpu$",
)
"""The lanes that are shown where nobody says: of each line the first that was recorded."""

ORDER = (*SHOWN, *PREFERRED, r"^gpu_", r"^host_", "")


def layout_of(trace: Trace, verdict: str | None, marks: Sequence[Mapping[str, Any]]) -> Json:
    """Everything but the numbers; times in s after the zero.

    Returns
    -------
    dict
        ``name``, ``id``, ``status``, ``going``, ``verdict``, ``first`` (s), ``phases``,
        ``marks``, ``pipelines`` (with their rows), ``lanes`` (with their series), ``absent``
        (metrics that nobody could read, by reason) and ``notes``.
    """
    manifest, zero_ns = trace.manifest, trace.zero_ns

    def seconds(ns: int | None) -> float | None:
        return None if ns is None else (ns - zero_ns) / 1e9

    phases = manifest.get("phases") or []
    return {
        "id": trace.run.id,
        "name": trace.run.bench.name,
        "status": trace.status,
        "going": trace.is_going,
        "verdict": verdict,
        "first": seconds(trace.first_ns),
        "phases": [
            {"name": p["name"], "start": seconds(p["start_ns"]), "end": seconds(p["end_ns"])}
            for p in phases
        ],
        "window": _window(manifest, zero_ns),
        "marks": [
            {"at": seconds(mark["ns"]), "kind": mark["kind"], "text": mark["text"]}
            for mark in marks
        ],
        "pipelines": list(_pipelines(manifest)),
        "lanes": sorted(_lanes(trace), key=lambda lane: _rank(lane["metric"])),
        "absent": _absent(manifest),
        "notes": list((manifest.get("telemetry") or {}).get("notes", ())),
    }


def _window(manifest: Mapping[str, Any], zero_ns: int) -> list[float] | None:
    window = manifest.get("window")
    if window is None:
        return None
    return [(window["begin_ns"] - zero_ns) / 1e9, (window["end_ns"] - zero_ns) / 1e9]


def _pipelines(manifest: Mapping[str, Any]) -> Iterator[Json]:
    """Each with its rows: stages in their order, fetching the item only where nothing else is."""
    names = list(manifest["pipelines"])
    colours = looks(names)
    for name, entry in manifest["pipelines"].items():
        stages = list(entry["stages"])
        rows = [code for code, stage in enumerate(stages) if stage != FETCH] or [0]
        yield {
            "name": name,
            "colour": colours[name].colour,
            "rows": [{"code": code, "stage": stages[code]} for code in rows if code < len(stages)],
        }


# -- lanes -------------------------------------------------------------------------------


def _rank(metric: str) -> int:
    return next(place for place, pattern in enumerate(ORDER) if search(pattern, metric))


def _lanes(trace: Trace) -> Iterator[Json]:
    metrics = trace.manifest.get("metrics") or []
    keys: dict[int, list[tuple[int, Key]]] = {}
    for number, key in enumerate(trace.tracks):
        keys.setdefault(key[0], []).append((number, key))
    for code, found in keys.items():
        if code < len(metrics):
            yield _lane(trace, metrics[code], sorted(found, key=lambda each: each[1]))


def _lane(trace: Trace, metric: Mapping[str, Any], keys: Sequence[tuple[int, Key]]) -> Json:
    name, unit = str(metric["name"]), str(metric["unit"])
    title = name
    if metric["kind"] == "increase":
        unit, old, new = RATES.get(unit, (f"{unit}/s", "", ""))
        title = name.replace(old, new).strip("_") if old else name
    rate_hz = metric.get("rate_hz")
    return {
        "metric": name,
        "title": " ".join(SPELLED.get(word, word) for word in title.split("_")),
        "unit": unit,
        "source": str(metric["source"]),
        "stand_in": STAND_IN in str(metric["source"]).lower(),
        "meaning": str(metric.get("meaning") or ""),
        "period": _period_s(trace, keys, rate_hz),
        "thinned": any(trace.tracks[key].is_thinned for _, key in keys),
        "series": sorted(
            (_series(trace.manifest, number, key) for number, key in keys), key=_natural
        ),
    }


def _period_s(trace: Trace, keys: Sequence[tuple[int, Key]], rate_hz: float | None) -> float | None:
    """How far apart its values are: as they came; before that as they were asked for."""
    import numpy as np

    times = trace.tracks[keys[0][1]].times
    if times.size > 2:
        gaps = np.diff(times[-65:])
        middle = float(np.median(gaps[gaps > 0])) / 1e9 if (gaps > 0).any() else 0.0
        if middle > 0:
            return float(f"{middle:.2g}")
    return 1 / rate_hz if rate_hz else None


def _natural(series: Mapping[str, Any]) -> list[tuple[int, str]]:
    """For an order in which gpu10 follows gpu9; the pipelines keep theirs."""
    parts = split(r"(\d+)", str(series["device"] or ""))
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _series(manifest: Mapping[str, Any], number: int, key: Key) -> Json:
    devices, pipelines = manifest.get("devices") or [], list(manifest["pipelines"])
    device = str(devices[key[1]]["name"]) if 0 <= key[1] < len(devices) else None
    pipeline = pipelines[key[2]] if 0 <= key[2] < len(pipelines) else None
    name = " ".join(part for part in (device, pipeline) if part) or "machine"
    return {"id": number, "name": name, "device": device, "pipeline": pipeline}


def shown_of(lanes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The metrics that are shown where nobody says."""
    names = [str(lane["metric"]) for lane in lanes]
    chosen = []
    for pattern in SHOWN:
        found = [name for part in pattern.split("|") for name in names if search(part, name)]
        chosen += [name for name in found[:1] if name not in chosen]
    return chosen or names[:8]


def _absent(manifest: Mapping[str, Any]) -> list[Json]:
    """The metrics that no device has, by the reason why."""
    found: dict[str, list[str]] = {}
    for metric in manifest.get("metrics") or ():
        if reason := (metric.get("null_reasons") or {}).get(""):
            found.setdefault(str(reason), []).append(str(metric["name"]))
    return [{"reason": reason, "metrics": names} for reason, names in found.items()]
