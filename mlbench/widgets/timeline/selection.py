"""Selection: the stretch of a run that was brushed, with its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.run import Run

__all__ = ["Selection"]


@dataclass(frozen=True)
class Selection:
    """A stretch of a run.

    Parameters
    ----------
    run
        The run.
    start, end
        s after the barrier; of a run without one, after its first phase began.
    zero_ns
        Where these seconds count from, ns of the run's clock.
    """

    run: Run
    start: float
    end: float
    zero_ns: int

    def __repr__(self) -> str:
        return f"Selection({self.run.id!r}, {self.start:.3f} s to {self.end:.3f} s)"

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    @property
    def begin_ns(self) -> int:
        """Where it begins, ns of the run's clock."""
        return self.zero_ns + round(self.start * 1e9)

    @property
    def end_ns(self) -> int:
        """Where it ends, ns of the run's clock."""
        return self.zero_ns + round(self.end * 1e9)

    def queries(self) -> pd.DataFrame:
        """The rows of `Run.queries` that were under way in it: due before its end, not done before
        it began.
        """  # noqa: D205  (one sentence, too long for a line)
        return self._during(self.run.queries(), "due", "done")

    def spans(self) -> pd.DataFrame:
        """The rows of `Run.spans` that were under way in it."""
        return self._during(self.run.spans(), "start", "end")

    def samples(self) -> pd.DataFrame:
        """The rows of `Run.samples` whose interval touches it."""
        return self._during(self.run.samples(), "start", "end")

    def stages(self) -> pd.DataFrame:
        """One row a stage that was at work in it.

        Returns
        -------
        DataFrame
            ``pipeline``, ``stage``, ``spans``, ``failed`` (how many), ``busy_s`` (time at work
            inside the selection; over its length where several calls overlap),
            ``service_mean_ms``, ``service_p50_ms``, ``service_max_ms`` (of whole spans, those
            that reach out of it too; the median is numpy's inverted_cdf).
        """
        spans = self.spans()
        clipped = spans["end"].clip(upper=self.end_ns) - spans["start"].clip(lower=self.begin_ns)
        service = (spans["end"] - spans["start"]).astype("float64") / 1e6
        given = spans.assign(
            busy_s=clipped.astype("float64") / 1e9,
            service=service,
            failed=(spans["outcome"] != "done").astype("int64"),
        )
        groups = given.groupby(["pipeline", "stage"], observed=True)
        found: pd.DataFrame = groups.agg(
            spans=("span", "size"),
            failed=("failed", "sum"),
            busy_s=("busy_s", "sum"),
            service_mean_ms=("service", "mean"),
            service_p50_ms=("service", _median),
            service_max_ms=("service", "max"),
        ).reset_index()
        return found

    def metrics(self) -> pd.DataFrame:
        """One row a metric of a device or pipeline.

        Returns
        -------
        DataFrame
            ``metric``, ``device``, ``pipeline``, ``unit`` (of a counter per second), ``source``,
            ``samples``, ``mean``, ``low``, ``high``. The mean of what covers an interval is
            weighted with the part of it that lies in the selection.
        """
        import numpy as np

        samples = _with_rates(self.samples())
        length = (samples["end"] - samples["start"]).to_numpy("float64")
        inside = samples["end"].clip(upper=self.end_ns) - samples["start"].clip(lower=self.begin_ns)
        weight = np.where(length > 0, inside.to_numpy("float64") / 1e9, 1.0)
        value = samples["value"].to_numpy("float64")
        given = samples.assign(weight=weight, weighted=value * weight)
        keys = ["metric", "device", "pipeline", "unit", "source"]
        groups = given.groupby(keys, observed=True, dropna=False)
        found: pd.DataFrame = groups.agg(
            samples=("value", "size"),
            mean=("weighted", "sum"),
            low=("value", "min"),
            high=("value", "max"),
            weight=("weight", "sum"),
        ).reset_index()
        found["mean"] = found["mean"] / found["weight"]
        left: pd.DataFrame = found.drop(columns="weight")
        return left

    def _during(self, table: pd.DataFrame, begin: str, end: str) -> pd.DataFrame:
        """The rows that touch it; one without an end has not ended."""
        ended = table[end].fillna(2**62)
        rows = (table[begin] <= self.end_ns) & (ended >= self.begin_ns)
        found: pd.DataFrame = table[rows.fillna(False)].reset_index(drop=True)
        return found


def _median(values: pd.Series[float]) -> float:
    import numpy as np

    return float(np.quantile(values.to_numpy("float64"), 0.5, method="inverted_cdf"))


def _with_rates(samples: pd.DataFrame) -> pd.DataFrame:
    """Counters as their increase per second; a reading over no time has none."""
    seconds = (samples["end"] - samples["start"]).astype("float64") / 1e9
    counter = samples["kind"] == "increase"
    unit = samples["unit"].astype(str)
    rated: pd.DataFrame = samples.assign(
        value=samples["value"].where(~counter, samples["value"] / seconds),
        unit=unit.where(~counter, unit + "/s"),
    )[~counter | (seconds > 0)]
    return rated
