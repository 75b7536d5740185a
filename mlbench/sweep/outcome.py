"""How the execution of a point came out, as its process tells the one that started it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlbench.sweep.state import DONE, FAILED

__all__ = ["Outcome", "told"]

MOST_CHARACTERS = 4000
"""Of a message: a whole traceback stands in the notebook and in the log."""


@dataclass(frozen=True)
class Outcome:
    """How it came out.

    Parameters
    ----------
    status
        ``done``, ``failed``, ``timed-out`` or ``contaminated``.
    error
        ``kind``, ``message`` and ``cell`` (its number among all, null for none).
    reasons
        Why it is contaminated.
    """

    status: str = DONE
    error: Mapping[str, Any] | None = None  # Any: JSON
    reasons: tuple[str, ...] = ()

    @classmethod
    def failed(
        cls, kind: str, message: str, cell: int | None = None, status: str = FAILED
    ) -> Outcome:
        """One that ended by an error."""
        short = message if len(message) <= MOST_CHARACTERS else message[:MOST_CHARACTERS] + "..."
        return cls(status, {"kind": kind, "message": short, "cell": cell})

    def to_bytes(self) -> bytes:
        """For the process that waits for it."""
        return json.dumps(asdict(self)).encode()


def told(data: bytes) -> Outcome | None:
    """What a process wrote; null if it ended before it told anything."""
    try:
        found = json.loads(data)
        return Outcome(found["status"], found["error"], tuple(found["reasons"]))
    except (ValueError, KeyError, TypeError):
        return None
