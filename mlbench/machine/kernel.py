"""The text files in which Linux says what a machine is; what is not there is null."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cpu_range", "fields", "number", "parse_cpus", "text"]


def text(file: Path) -> str | None:
    """What a file holds, without its last line break; null if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number(file: Path) -> int | None:
    """The integer that a file holds; null if it cannot be read or holds something else."""
    try:
        return int(text(file) or "")
    except ValueError:
        return None


def fields(file: Path) -> dict[str, str]:
    """The ``key: value`` lines of a file, each key at its first appearance."""
    found: dict[str, str] = {}
    for line in (text(file) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def parse_cpus(listed: str | None) -> tuple[int, ...] | None:
    """The processors of a kernel list; null if it is not one.

    Examples
    --------
    >>> parse_cpus("0-2,8")
    (0, 1, 2, 8)
    """
    cpus: list[int] = []
    try:
        for part in (listed or "").split(","):
            first, dash, last = part.partition("-")
            cpus.extend(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        return None
    return tuple(cpus)


def cpu_range(cpus: tuple[int, ...]) -> str:
    """Processors as the kernel lists them.

    Examples
    --------
    >>> cpu_range((0, 1, 2, 8))
    '0-2,8'
    """
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
