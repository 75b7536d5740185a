"""NVIDIA's Multi-Process Service: whether its control program is installed."""

from __future__ import annotations

import shutil

__all__ = ["CONTROL", "INSTALL", "control_program"]

CONTROL = "nvidia-cuda-mps-control"
INSTALL = "it comes with the driver: nvidia-compute-utils-NNN on Ubuntu, nvidia-cuda-mps on Debian"


def control_program() -> str | None:
    """The path of the program that starts and ends the daemon; null if there is none."""
    return shutil.which(CONTROL)
