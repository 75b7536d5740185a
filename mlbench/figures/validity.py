"""What a caption has to say of a run or a study that is INVALID."""

from __future__ import annotations

from typing import Any

__all__ = ["caveat"]


def caveat(thing: Any) -> str:  # Any: a run, a study or anything else
    """A sentence for the caption where the verdict is INVALID, with the first reason; else empty.

    Examples
    --------
    >>> caveat("a table has no verdict")
    ''
    """
    from mlbench.analysis.verdict import verdict
    from mlbench.run import Run
    from mlbench.study.study import Study

    if isinstance(thing, Run):
        what, reasons = "The run", verdict(thing.record()).reasons
    elif isinstance(thing, Study):
        what, reasons = "The study", thing.verdict().reasons
    else:
        return ""
    return f" {what} is INVALID: {reasons[0].rstrip('.')}." if reasons else ""
