"""A made-up machine: the files that a kernel would show, below a directory of the test."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from plant import Plant, plant

__all__ = ["Plant", "plant"]
