"""What the tests of sweeps share."""

from __future__ import annotations

from slurm_fixture import slurm, slurm_cluster

__all__ = ["slurm", "slurm_cluster"]
