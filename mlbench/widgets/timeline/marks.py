"""Marks: the moments of a run that are worth a word, and how it was judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlbench.analysis.record import ENDED

__all__ = ["judged", "marks_of"]

Manifest = Mapping[str, Any]
"""``run.json``; Any: JSON."""


def marks_of(manifest: Manifest, verdict: str | None, reasons: tuple[str, ...]) -> list[Any]:
    """Moments in the order of time: ``ns``, ``kind`` (good, bad, note) and ``text``.

    They are the end of a pipeline that failed or was stopped, a pipeline that timed out, a
    device that was lost, and the end of the run with its verdict.
    """
    found = [*_of_pipelines(manifest), *_of_devices(manifest), *_end(manifest, verdict, reasons)]
    return sorted(found, key=lambda mark: int(mark["ns"]))


def _of_pipelines(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for name, entry in manifest["pipelines"].items():
        ended_ns = entry.get("ended_ns")
        if ended_ns is None or entry["status"] == manifest["status"] == "stopped":
            continue  # the end of the run says so
        if entry["status"] in ("failed", "stopped"):
            why = f": {entry['reason']}" if entry.get("reason") else ""
            kind = "bad" if entry["status"] == "failed" else "note"
            yield _mark(ended_ns, kind, f"{name} {entry['status']}{why}")


def _of_devices(manifest: Manifest) -> Iterator[dict[str, Any]]:
    for device in manifest.get("devices") or ():
        if device.get("lost_ns") is not None:
            why = f": {device['reason']}" if device.get("reason") else ""
            yield _mark(device["lost_ns"], "bad", f"{device['name']} was lost{why}")


def _end(
    manifest: Manifest, verdict: str | None, reasons: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    ends = [each["end_ns"] for each in manifest.get("phases") or () if each["end_ns"] is not None]
    if manifest["status"] not in ENDED or not ends:
        return
    told = f"{manifest['status']}, {verdict}" if verdict else str(manifest["status"])
    why = f": {' '.join(reasons)}" if reasons else ""
    good = verdict == "VALID" or (verdict is None and manifest["status"] == "done")
    yield _mark(max(ends), "good" if good else "bad", f"{told}{why}")


def _mark(ns: int, kind: str, text: str) -> dict[str, Any]:
    return {"ns": ns, "kind": kind, "text": text}


def judged(run: Any) -> tuple[str | None, tuple[str, ...]]:  # Any: a Run that has ended
    """The verdict of a run with pipelines, with its reasons; null of a recording."""
    from mlbench.analysis.verdict import verdict

    if not run.manifest["pipelines"]:
        return None, ()
    found = verdict(run.record(spans=False))
    return str(found), found.reasons
