"""What the supervisor did, one event a line: ``log.jsonl``."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from time import monotonic_ns as clock

__all__ = ["Log"]


class Log:
    """Appends events to a file; a full disk loses them and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: str, **values: object) -> None:
        """Append one event with the time of the run's clock."""
        line = json.dumps({"t_ns": clock(), "event": event, **values}, default=str)
        with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
