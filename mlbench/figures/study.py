"""What figures ask of a study: that it is one, and how its numbers are named."""

from __future__ import annotations

from typing import Any

from mlbench.errors import FigureError

__all__ = [
    "blocks_words",
    "check_study",
    "interval_words",
    "metric_words",
    "ratio_title",
    "ratio_words",
]

THROUGHPUT = "throughput"


def check_study(thing: Any, what: str) -> None:  # Any: whatever a user hands over
    """That a figure was given a study.

    Raises
    ------
    FigureError
        If it was not.
    """
    from mlbench.study.study import Study

    if not isinstance(thing, Study):
        raise FigureError(
            f"{what} needs a study, got {type(thing).__name__}: one run has nothing to compare "
            "with; mlbench.open_study(path)"
        )


def interval_words(study: Any, mark: str = "Bars") -> str:  # Any: a study
    """The intervals of a study, for a caption: level and convention."""
    from mlbench.study.estimate import CONVENTION

    method = study.method
    return f"{mark}: {100 * method.confidence:g} % intervals ({CONVENTION[method.name]})"


def blocks_words(study: Any, treatment: str | None = None) -> str:  # Any: a study
    """How many blocks the numbers of a study are of, for a caption: ``3 to 4 of 5 blocks``.

    They are those of its tables: in which both runs of a pipeline are VALID.

    Parameters
    ----------
    treatment
        Of one collocated treatment; default of all.
    """
    found = [
        pipeline
        for name, result in study.results().items()
        if treatment in (None, name)
        for pipeline in result.pipelines.values()
        if pipeline.blocks
    ]
    counts, made = sorted({each.blocks for each in found}) or [0], len(study.blocks())
    told = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{told} blocks" if counts == [made] else f"{told} VALID of {made} blocks"


def metric_words(metric: str) -> str:
    """A slowdown's metric as labels have it: that of throughput is a loss.

    Examples
    --------
    >>> metric_words("latency_p50"), metric_words("throughput")
    ('latency p50', 'throughput loss')
    """
    return "throughput loss" if metric == THROUGHPUT else metric.replace("_", " ")


def ratio_title(metric: str) -> str:
    """The title of an axis that has the ratios of one metric.

    Examples
    --------
    >>> ratio_title("latency_p50"), ratio_title("throughput")
    ('slowdown of latency p50 (×)', 'throughput loss (×)')
    """
    words = metric_words(metric)
    return f"{words} (×)" if metric == THROUGHPUT else f"slowdown of {words} (×)"


def ratio_words(metric: str) -> str:
    """A metric of a caption, with which side is over which.

    Examples
    --------
    >>> ratio_words("throughput")
    'Throughput loss, isolated over collocated'
    """
    if metric == THROUGHPUT:
        return "Throughput loss, isolated over collocated"
    return f"Slowdown of {metric_words(metric)}, collocated over isolated"
