"""A finding: one thing about this machine that matters to a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Status", "gib"]

Status = Literal["ok", "note", "warn", "missing"]
"""``ok`` as it should be; ``note`` good to know; ``warn`` makes measurements noisy or
wrong; ``missing`` something cannot be done at all."""


@dataclass(frozen=True)
class Finding:
    """One thing about this machine, and what to type to change it.

    Parameters
    ----------
    subject
        What it is about: ``cpu``, ``frequency``, ``gpu 0``.
    status
        How it matters.
    text
        What is there and why it matters, without a full stop.
    fix
        What to type; empty where nothing needs to or can be done.
    """

    subject: str
    status: Status
    text: str
    fix: str = ""


def gib(size_bytes: int | None) -> str:
    """A size for people: ``47.1 GiB``; ``unknown`` if it is null."""
    return "unknown" if size_bytes is None else f"{size_bytes / 2**30:.1f} GiB"
