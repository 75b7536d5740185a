"""A stage that sees what NumPy's linear algebra may use."""

from __future__ import annotations

import numpy  # noqa: F401  (it loads the library)
from threadpoolctl import threadpool_info

from mlbench.interfaces.stage import stage

__all__ = ["blas_threads"]


@stage
def blas_threads(item: object) -> int:
    """Threads of NumPy's linear algebra."""
    return max(int(each["num_threads"]) for each in threadpool_info())
