"""Probes over the stand-in for NVIDIA's library, and over made-up files of a kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support" / "nvml"))

from stand_in import StandIn, why_not

Plant = Callable[[Mapping[str, str]], Path]

READ = """
import json, os, sys, time
from mlbench.interfaces.probe import Context
from mlbench.registry import find

name, times, pause_s, skip_s, owners, tiers = json.loads({asked!r})
owners = {{int(pid): owner for pid, owner in owners.items()}}
skipped_ns = 0
context = Context({{}}, lambda: owners, clock=lambda: time.monotonic_ns() + skipped_ns)
rows = []
with find("probes", name)().open(context) as read:
    for turn in range(times):
        for tier in tiers:
            rows += [[turn, *reading] for reading in read(tier)]
        time.sleep(pause_s)
        skipped_ns += round(skip_s * 1e9)
print(json.dumps(dict(
    rows=rows,
    devices={{name: vars(device) for name, device in context.devices.items()}},
    ended=context.ended,
    nulls=[[metric, device, why] for (metric, device), why in context.nulls.items()],
    sources=context.sources,
    notes=context.notes,
)))
"""
"""What a fresh Python does with a probe: open it, read it some times, tell what came."""


@dataclass(frozen=True)
class Row:
    """A reading, and in which turn it was made."""

    turn: int
    metric: str
    value: float
    end_ns: int
    start_ns: int | None
    device: str | None
    pipeline: str | None
    pid: int | None


@dataclass(frozen=True)
class Seen:
    """What a probe gave and told."""

    rows: list[Row]
    devices: dict[str, dict[str, Any]]
    ended: dict[str, tuple[int, str]]
    nulls: dict[tuple[str, str | None], str]
    sources: dict[str, str]
    notes: list[str]

    def of(self, metric: str, device: str | None = None) -> list[Row]:
        """The readings of one metric, of one device if it is named."""
        return [r for r in self.rows if r.metric == metric and device in (None, r.device)]

    def values(self, metric: str, device: str | None = None) -> list[float]:
        """The values of one metric."""
        return [row.value for row in self.of(metric, device)]

    @property
    def metrics(self) -> set[str]:
        """What was read at all."""
        return {row.metric for row in self.rows}


Watch = Callable[..., Seen]


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """The library, compiled once."""
    if reason := why_not():
        pytest.skip(reason)
    return StandIn(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def watch(stand_in: StandIn) -> Watch:
    """Read a probe over a script: ``watch("gpu 0 power=80", probe="nvml", times=3)``."""

    def read(
        script: str,
        probe: str = "nvml",
        times: int = 2,
        pause_s: float = 0.01,
        owners: Mapping[int, str] | None = None,
        tiers: tuple[str, ...] = ("fast", "medium", "slow"),
    ) -> Seen:
        skip_s = 0.1 if pause_s < 0.05 else 0  # a probe asks for some things ten times a second
        asked = json.dumps([probe, times, pause_s, skip_s, dict(owners or {}), tiers])
        told = json.loads(stand_in.python(READ.format(asked=asked), f"sensor 0.01\n{script}\n"))
        return Seen(
            rows=[Row(*row) for row in told["rows"]],
            devices=told["devices"],
            ended=told["ended"],
            nulls={(metric, device): why for metric, device, why in told["nulls"]},
            sources=told["sources"],
            notes=told["notes"],
        )

    return read


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write files, by their path below the root, and give the root."""

    def write(files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return write
