"""Files that are whole after a crash of the machine, too."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["write_durably"]


def write_durably(path: Path, text: str) -> None:
    """Write a file so that a reader, and who starts the machine again, sees old or new.

    Renamed before it is on the disk, a file may be empty after a crash.

    Raises
    ------
    OSError
        If the disk does not take it; the old one stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
