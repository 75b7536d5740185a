"""What each error of NVML means for the column that met it."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

__all__ = ["PATIENCE", "Fate", "fate_of", "reason_of"]

PATIENCE = 50
"""Readings in sequence that may fail in passing before a column is given up."""


class Fate(Enum):
    """What becomes of a column, or of its device, after an error."""

    NOTHING_NEW = auto()
    """There are no rows since the last reading: no error at all."""
    AGAIN = auto()
    """This reading failed in passing; the next one may not."""
    GONE = auto()
    """The column cannot be had here, and is not asked for again."""
    LOST = auto()
    """The device is gone, with all its columns."""
    OVER = auto()
    """The library itself does not work any more."""


SUCCESS, NO_PERMISSION, NOT_FOUND = 0, 4, 6

_GONE = frozenset({2, 3, NO_PERMISSION, 8, 13, 14, 22, 24, 25, 26})
"""INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION, INSUFFICIENT_POWER, FUNCTION_NOT_FOUND,
CORRUPTED_INFOROM, VGPU_ECC_NOT_SUPPORTED, FREQ_NOT_SUPPORTED, ARGUMENT_VERSION_MISMATCH,
DEPRECATED."""

_LOST = frozenset({15, 16, 28})
"""GPU_IS_LOST, RESET_REQUIRED, GPU_NOT_FOUND."""

_OVER = frozenset({1, 9, 12, 18})
"""UNINITIALIZED, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, LIB_RM_VERSION_MISMATCH."""


def fate_of(code: int) -> Fate:
    """What a return code of NVML means.

    SUCCESS is among them: pynvml raises it where the driver has no rows at all. The codes
    stand here as numbers, those of ``nvml.h``, so that a pynvml that does not know one yet
    still reports it. What is in no list (TIMEOUT, IRQ_ISSUE, IN_USE, NO_DATA, NOT_READY,
    INSUFFICIENT_SIZE where a process came between two calls, UNKNOWN ...) may pass.

    Examples
    --------
    >>> fate_of(3), fate_of(15), fate_of(999)
    (<Fate.GONE: 3>, <Fate.LOST: 4>, <Fate.AGAIN: 2>)
    """
    if code in (SUCCESS, NOT_FOUND):
        return Fate.NOTHING_NEW
    if code in _GONE:
        return Fate.GONE
    if code in _LOST:
        return Fate.LOST
    return Fate.OVER if code in _OVER else Fate.AGAIN


def reason_of(error: Any) -> str:  # Any: pynvml's NVMLError
    """NVML's own words for an error, and what to do about it where something can be done."""
    if error.value != NO_PERMISSION:
        return str(error)
    return f"{error}: its administrator can allow it, with NVreg_RestrictProfilingToAdminUsers=0"
