"""The manifest of a run, ``run.json``: what the engine knows, written whole at each change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic_ns as clock
from typing import Any, BinaryIO, cast

from mlbench.engine.clock import wall_offset
from mlbench.records import FORMAT, TABLES
from mlbench.spec import Request
from mlbench.store.layout import MANIFEST, write_json
from mlbench.store.process import process_identity

__all__ = ["Manifest"]

RESERVE_BYTES = 1 << 20
"""Enough for ``run.json`` beside the one before it, however many pipelines it describes."""


class Manifest:
    """The content of ``run.json`` while the run goes on.

    ``data`` is changed in place and written by `save`. A run that claims to be going while
    its engine is gone was aborted: readers derive that from the engine's identity.
    """

    def __init__(
        self, run: Path, pipelines: Mapping[str, dict[str, Any]], harness_cpus: tuple[int, ...]
    ) -> None:
        self._path = run / MANIFEST
        self._reserve = _reserved(run)
        self.data: dict[str, Any] = {  # Any: JSON
            "format": FORMAT,
            "status": "setup",
            "reasons": [],
            "engine": process_identity(os.getpid()),
            "clock": {"begin": wall_offset(), "end": None},
            "barrier_ns": None,
            "window": None,
            "phases": [],
            "pipelines": dict(pipelines),
            "metrics": [],
            "devices": [],
            "telemetry": {"status": "off", "probes": {}, "notes": [], "idle": None},
            "harness": {"cpus": harness_cpus},
            "units": {
                name: {column.name: column.meaning for column in table.columns}
                for name, table in TABLES.items()
            },
        }
        self.enter("setup")

    def describe(self, request: Request) -> None:
        """Write down the machine, and what identifies the code that runs."""
        from mlbench.machine.fingerprint import fingerprint

        self.data["machine"] = fingerprint()
        self.data["spec_hash"] = request.spec_hash
        self.data["local_code"] = request.local_code
        self.data["code"] = request.complete()["code"]
        self.save()

    def entry(self, pipeline: str) -> dict[str, Any]:  # Any: JSON
        """What it says of a pipeline, to be changed in place."""
        found: dict[str, Any] = self.data["pipelines"][pipeline]
        return found

    def enter(self, phase: str) -> None:
        """Begin a phase, end the one before, and write the file."""
        now = clock()
        phases = self.data["phases"]
        if phases:
            phases[-1]["end_ns"] = now
        phases.append({"name": phase, "start_ns": now, "end_ns": None})
        self.data["status"] = phase
        self.save()

    def close(self, status: str) -> None:
        """Write how the run ended."""
        self.data["phases"][-1]["end_ns"] = clock()
        self.data["clock"]["end"] = wall_offset()
        self.data["status"] = status
        self.save()

    def because(self, reason: str) -> None:
        """Add a reason for how the run ended."""
        if reason not in self.data["reasons"]:
            self.data["reasons"].append(reason)

    def save(self) -> None:
        """Write the file; on a disk that is full, into the room that was kept for it."""
        try:
            write_json(self._path, self.data)
        except OSError:
            if self._reserve is not None:
                self._reserve.close()
            with suppress(OSError):
                write_json(self._path, self.data)


def _reserved(run: Path) -> BinaryIO | None:
    """A file without a name that keeps room on the disk until it is closed; null if it is full."""
    try:
        file = TemporaryFile(dir=run)  # noqa: SIM115  (it stays open as long as the run)
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    except OSError:
        return None
    return cast("BinaryIO", file)
