"""The rows of the rings: what a worker packs, and what the recorder makes of them.

A span is one cache line. What nearly every span has is packed small: branch and visit in
one field, stage, worker, outcome and route in another. What few have (a batch, a time on
the device) goes into a ring of its own, before the span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlbench.records import NULL, SPANS, Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "COMPLETION_ROW",
    "DISPATCH_ROW",
    "EVENT_ROW",
    "EXTRA_ROW",
    "FIRST_PLACE",
    "LINK_ROW",
    "SAMPLE_ROW",
    "SPAN_ROW",
    "code_of",
    "ending_of",
    "place_of",
    "route_code",
    "whole_completions",
    "whole_spans",
]

DISPATCH_ROW = "qqqqq"
"""query, pipeline, item, due, sent"""
COMPLETION_ROW = "qqqqqqqq"
"""query, item, due, sent, received, started, done, ending"""
SPAN_ROW = "qqqqqqq"
"""query, parent, place, code, ready, start, end; the row's number is the span's id"""
EXTRA_ROW = "qqqq"
"""span, batch, batch_size, device_ns"""
EVENT_ROW = "qqqd"
"""span, name, t, value"""
SAMPLE_ROW = "qqqqqqd"
"""start, end, metric, device, pipeline, pid, value"""
LINK_ROW = "qq"
"""span, parent: the parents of a join after its first"""

STAGES = 1 << 16
WORKERS = 1 << 12
OUTCOMES = 1 << 4
"""Room for each part of a span's code; the route takes the rest."""

FIRST_PLACE = 1
"""Branch 0, visit 1."""


def place_of(branch: int, visit: int) -> int:
    """Branch and visit in one field."""
    return branch << 32 | visit


def code_of(stage: int, worker: int = 0, outcome: int = Outcome.DONE) -> int:
    """Stage, worker and outcome in one field, without a route."""
    return stage + STAGES * (worker + WORKERS * outcome)


def route_code(route: int) -> int:
    """What a route adds to the code of its span."""
    return STAGES * WORKERS * OUTCOMES * (route + 1)


def ending_of(phase: int, outcome: int, told: bool) -> int:
    """Phase, outcome and whether a text says more, in one field."""
    return phase + 16 * (outcome + 16 * told)


def whole_completions(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The columns of `COMPLETIONS` from the rows of the ring, the error as 0 or 1."""
    import numpy as np

    ending = rows[:, 7]
    parts = (ending % 16, ending // 16 % 16, ending // 256)
    return np.column_stack((rows[:, :7], *parts))


def whole_spans(rows: NDArray[np.int64], extras: NDArray[np.int64]) -> NDArray[np.int64]:
    """The columns of `SPANS` from the rows of the ring, and the rows beside it for some."""
    import numpy as np

    query, parent, place, code, ready, start, end, mark = rows.T
    whole = np.full((len(rows), len(SPANS.columns)), NULL, dtype=np.int64)
    column = {name: index for index, name in enumerate(SPANS.names)}
    route = code // (STAGES * WORKERS * OUTCOMES) - 1
    for name, values in (
        ("span", mark - 1),
        ("query", query),
        ("branch", place >> 32),
        ("visit", place & 0xFFFFFFFF),
        ("parents", parent),
        ("stage", code % STAGES),
        ("worker", code // STAGES % WORKERS),
        ("ready", ready),
        ("start", start),
        ("end", end),
        ("outcome", code // (STAGES * WORKERS) % OUTCOMES),
        ("route", np.where(route < 0, NULL, route)),
    ):
        whole[:, column[name]] = values
    if len(extras):
        _, at, of = np.intersect1d(mark - 1, extras[:, 0], return_indices=True)
        for index, name in enumerate(("batch", "batch_size", "device_ns"), 1):
            whole[at, column[name]] = extras[of, index]
    return whole
