"""A draft: what a study would become if one went on with it, without touching it."""

from __future__ import annotations

from typing import Any

from mlbench.collocation.attempt import INTERRUPTED
from mlbench.collocation.ledger import Ledger

__all__ = ["Draft"]


class Draft(Ledger):
    """A ledger that is never written down."""

    def settle(self) -> None:
        """Take what was cut off for lost, and plan it again."""
        for entry in self.manifest.runs:
            if entry.status == "going":
                lost = {"status": "aborted", "verdict": "INVALID", "reasons": (INTERRUPTED,)}
                self.note(entry.model_copy(update={**lost, "disturbed": True}))
                self.again(entry.block, entry.treatment)

    def _write(self, **changes: Any) -> None:  # Any: fields of the manifest
        self.manifest = self.manifest.model_copy(update=changes)
