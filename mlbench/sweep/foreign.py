"""What others did while a point was executed, by the same means as in a study."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from mlbench.collocation.foreign import Foreign, Witness, look
from mlbench.machine.contention import Contention
from mlbench.spec import Study
from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.resources import Resources

__all__ = ["Watch"]

PATIENCE_S = 30.0
"""How long a block waits, before it begins, for others to use less than the limit."""


class Watch:
    """Looks at others before a block, and around each of its points.

    Studies look for themselves, so it does nothing for them.

    Parameters
    ----------
    used
        What the points have for themselves.
    """

    def __init__(self, manifest: SweepManifest, used: Resources) -> None:
        self._limits = manifest.plan.contamination
        self._is_off = manifest.kind == "study"
        self._used = used
        self._before = Contention(0.0)
        self._witness: Witness | None = None

    @property
    def _looks(self) -> bool:
        return not self._is_off and self._limits.foreign_share < 1

    def before(self, pause: Callable[[float], None]) -> None:
        """Wait until others use less than the limit, but not for ever; nothing of ours runs."""
        if not self._looks:
            return
        end_s = time.monotonic() + PATIENCE_S
        self._before = look(pause, self._used.cpus)
        limit = self._limits.foreign_share
        while (self._before.busy_share or 0) > limit and time.monotonic() < end_s:
            self._before = look(pause, self._used.cpus)

    def begin(self) -> None:
        """Remember how everything stands, right before a point begins."""
        if not self._is_off:
            devices = self._used.devices if self._limits.contexts else ()
            self._witness = Witness(devices, self._used.cpus)

    def since(self) -> dict[str, Any]:  # Any: JSON
        """What others did from the beginning of the point until now."""
        if self._witness is None:
            return {}
        found = self._witness.since(self._before)
        self._before = Contention(0.0)  # that was right before the first point
        return found.to_dict()

    def reasons(self, foreign: Mapping[str, Any]) -> tuple[str, ...]:  # Any: JSON
        """Why a point is contaminated; empty if it is not."""
        if not foreign:
            return ()
        limits = Study(
            foreign_share=self._limits.foreign_share, steal_share=self._limits.steal_share
        )
        seen = Foreign(**foreign)
        return tuple(each.replace("(study:", "(contamination:") for each in seen.reasons(limits))
