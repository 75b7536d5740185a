"""The end of what a worker wrote to its standard error."""

from __future__ import annotations

from pathlib import Path

from mlbench.records import NOTE

__all__ = ["last_lines", "last_note"]

LOG_BYTES = 8192


def last_lines(folder: Path, count: int) -> list[str]:
    """The last lines of ``stderr.log`` in the folder of a pipeline, without empty ones."""
    path = folder / "stderr.log"
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_BYTES))
        text = file.read(LOG_BYTES).decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()][-count:]


def last_note(folder: Path) -> str | None:
    """What the pipeline says that it is doing, if its last line says so."""
    line = next(iter(last_lines(folder, 1)), "")
    return line.removeprefix(NOTE) if line.startswith(NOTE) else None
