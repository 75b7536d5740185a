"""Probes over the stand-in for NVIDIA's library, and over made-up files of a kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support"))
sys.path.append(str(Path(__file__).parents[1] / "support" / "nvml"))

from plant import Plant, plant
from probe_support import READ, Row, Seen, Watch
from stand_in import StandIn, why_not

__all__ = ["Plant", "plant"]


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
