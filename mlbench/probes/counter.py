"""A running total, of which samples hold the increase from one reading to the next."""

from __future__ import annotations

from mlbench.interfaces.probe import Row

__all__ = ["Counter"]


class Counter:
    """The increase of a total since it was last read.

    Parameters
    ----------
    metric
        Its name.
    modulus
        Where the total begins again at zero; null where it does so only by a reset.
    """

    __slots__ = ("_at_ns", "_total", "metric", "modulus")

    def __init__(self, metric: str, modulus: float | None = None) -> None:
        self.metric = metric
        self.modulus = modulus
        self._total: float | None = None
        self._at_ns = 0

    def reading(
        self,
        total: float,
        now_ns: int,
        device: str | None = None,
        pipeline: str | None = None,
        scale: float = 1.0,
    ) -> Row | None:
        """The increase as a row; null the first time, and after a reset.

        Parameters
        ----------
        total
            What the counter shows now.
        scale
            From the counter's unit to the metric's.

        Examples
        --------
        >>> counter = Counter("energy", modulus=100)
        >>> counter.reading(90, 0), counter.reading(20, 5)[:4]
        (None, ('energy', 30.0, 5, 0))
        """
        before, begin_ns = self._total, self._at_ns
        self._total, self._at_ns = total, now_ns
        if before is None:
            return None
        increase = total - before
        if increase < 0:
            if self.modulus is None:
                return None
            increase += self.modulus
        return (self.metric, float(increase * scale), now_ns, begin_ns, device, pipeline, None)
