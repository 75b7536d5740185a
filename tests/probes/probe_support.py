"""What a probe gave and told, and the Python that has it do so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
