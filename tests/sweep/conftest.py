"""What the tests of sweeps share, with the recorded studies of other tests."""

from __future__ import annotations

import sys
from pathlib import Path

from slurm_fixture import slurm, slurm_cluster

__all__ = ["slurm", "slurm_cluster"]

for folder in ("analysis", "study"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
