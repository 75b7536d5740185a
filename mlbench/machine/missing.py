"""Why a value is null, kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

__all__ = ["explained"]

Record = TypeVar("Record", bound=Any)  # Any: a frozen dataclass with a field ``reasons``


def explained(record: Record, reasons: Mapping[str, str]) -> Record:
    """The record with the reason of each of its fields that is null.

    Parameters
    ----------
    record
        A frozen dataclass with a field ``reasons``.
    reasons
        What it means that a field is null, by its name.
    """
    null = {name: why for name, why in reasons.items() if getattr(record, name) is None}
    return replace(record, reasons=null)
