"""The probes that a spec names: found, and their options checked."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.check.find import find_choice
from mlbench.errors import Problem
from mlbench.interfaces.probe import Probe
from mlbench.spec.choice import Choice
from mlbench.spec.telemetry import Telemetry

__all__ = ["wrong_probes"]


def wrong_probes(telemetry: Telemetry) -> Iterator[Problem]:
    """What is wrong with the probes that a spec names; those that it does not are built in."""
    at = ("telemetry", "probes")
    for name, options in telemetry.chosen.items():
        if name in telemetry.probes:
            choice = Choice.model_construct(name=name, options=options)
            yield from find_choice(choice, "probes", Probe, at).problems  # type: ignore[type-abstract]  # only compared with
