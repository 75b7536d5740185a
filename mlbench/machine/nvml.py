"""NVML, NVIDIA's library, as the module pynvml; or why this machine has none."""

from __future__ import annotations

import sys
from contextlib import suppress
from ctypes import CDLL
from importlib import import_module
from typing import Any

__all__ = ["initialised"]

LIBRARY = "libnvidia-ml.so.1"


def initialised(nvml: Any = None) -> tuple[Any, str]:  # Any: pynvml has no types
    """The module pynvml after its ``nvmlInit``, or null and why not.

    Whoever gets it calls ``nvmlShutdown`` in the end.

    Parameters
    ----------
    nvml
        What to initialise; default: pynvml.
    """
    if nvml is None:
        if sys.platform == "linux" and not _is_there(LIBRARY):  # pynvml's import takes 50 ms
            return None, f"there is no {LIBRARY}: NVIDIA's driver is not installed"
        try:
            nvml = import_module("pynvml")
        except ImportError as error:
            return None, f"{error.name or 'pynvml'} does not import: pip install nvidia-ml-py"
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return None, f"{error}: nvidia-smi shows whether NVIDIA's driver works"
    return nvml, ""


def _is_there(library: str) -> bool:
    with suppress(OSError):
        return bool(CDLL(library))
    return False
