"""Where things stand in a run directory, and how its JSON files change: all at once."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "GOING",
    "LOG",
    "MANIFEST",
    "REQUEST",
    "STOP",
    "folder_of",
    "read_json",
    "write_json",
]

REQUEST = "spec.json"
MANIFEST = "run.json"
LOG = "log.jsonl"
STOP = "stop"
PIPELINES = "pipelines"

GOING = frozenset({"setup", "warm-up", "load", "drain"})
"""The statuses in the manifest of a run that is under way."""

MAX_JSON_BYTES = 64 << 20


def folder_of(run: Path, code: int, name: str) -> Path:
    """The folder of a pipeline: its name, where every file system takes it.

    Else what is left of the name, with the code behind a ``~``, which no other folder has.
    """
    allowed = (c.isascii() and (c.isalnum() or c in "-_.") for c in name)
    safe = "".join(c if ok else "_" for c, ok in zip(name, allowed, strict=True)).lstrip(".")
    same = safe == name and safe
    return run / PIPELINES / (name if same else f"{safe or 'pipeline'}~{code}")


def write_json(path: Path, data: Mapping[str, Any]) -> None:  # Any: JSON
    """Write a JSON file so that a reader sees the old one or the new one, never a part.

    Raises
    ------
    OSError
        If the disk does not take it; the old one stays.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:  # Any: JSON
    """A JSON object; null where it is missing, no plain file, too large, or none."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JSON_BYTES:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
