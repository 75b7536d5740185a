"""What a set of collocated pipelines achieves together, from the progress of each.

Normalised progress is NP = T_isolated / T_collocated, 1 for a pipeline that does not
notice the others; its inverse is the slowdown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["antt", "fairness", "jain", "stp"]


def stp(progress: ArrayLike) -> float:
    """System throughput: the sum of normalised progress; higher is better, at best n.

    Eyerman and Eeckhout, IEEE Micro 28(3), 2008, doi:10.1109/MM.2008.44. It rewards the
    one that runs away with the machine, so a tail latency belongs beside it.

    Examples
    --------
    >>> stp([0.5, 0.75])
    1.25
    """
    return float(_positive(progress).sum())


def antt(progress: ArrayLike) -> float:
    """Average normalised turnaround time: the mean slowdown; lower is better, at best 1.

    Eyerman and Eeckhout, IEEE Micro 28(3), 2008, doi:10.1109/MM.2008.44.

    Examples
    --------
    >>> antt([0.5, 0.25])
    3.0
    """
    return float((1 / _positive(progress)).mean())


def jain(progress: ArrayLike) -> float:
    """Jain's fairness index, (sum x)^2 / (n sum x^2): 1 when equal, 1/n when one has all.

    Jain, Chiu and Hawe, DEC-TR-301, 1984.

    Examples
    --------
    >>> jain([0.5, 0.5]), jain([0.25, 0.75])
    (1.0, 0.8)
    """
    x = _positive(progress)
    return float(x.sum() ** 2 / (x.size * (x @ x)))


def fairness(progress: ArrayLike) -> float:
    """The smallest normalised progress over the largest: 1 when all suffer alike.

    Eyerman and Eeckhout, IEEE Micro 28(3), 2008, after Gabor, Weiss and Mendelson, 2006.

    Examples
    --------
    >>> fairness([0.5, 1.0])
    0.5
    """
    x = _positive(progress)
    return float(x.min() / x.max())


def _positive(progress: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(progress, dtype=np.float64)
    if not numbers.size or not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError("expected the progress of each pipeline, each above zero and finite")
    return numbers
