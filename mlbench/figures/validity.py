"""What a figure has to say of a run or a study that is INVALID, or judged by relaxed limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["invalid", "relaxed"]


def invalid(thing: Any) -> str:  # Any: a run, a study, several of them, or anything else
    """A sentence where the verdict is INVALID, with the first reason; else empty.

    Of several it says how many are, with the first reason of the first of them.

    Examples
    --------
    >>> invalid("a table has no verdict")
    ''
    """
    from mlbench.analysis.verdict import verdict
    from mlbench.run import Run
    from mlbench.study.study import Study

    if isinstance(thing, Run):
        return _said("The run", verdict(thing.record()).reasons)
    if isinstance(thing, Study):
        return _said("The study", thing.verdict().reasons)
    if isinstance(thing, Mapping):
        thing = list(thing.values())
    if not isinstance(thing, list | tuple):
        return ""
    told = [said for each in thing if (said := invalid(each))]
    if len(thing) == 1 or not told:
        return "".join(told)
    return f"{len(told)} of {len(thing)} are INVALID: {told[0].partition(': ')[2]}"


def relaxed(thing: Any) -> str:  # Any: a study, several of them, a table, or anything else
    """A sentence where limits of a study let more pass than the defaults; else empty.

    Of several it has the limits of all, each once. The table of a sweep says them in the column
    ``relaxed``.

    Examples
    --------
    >>> relaxed("text has no limits")
    ''
    """
    found = dict.fromkeys(_relaxed(thing))
    return f"Relaxed limits: {'; '.join(found)}." if found else ""


def _relaxed(thing: Any) -> Iterator[str]:  # Any: as above
    import pandas as pd

    from mlbench.study.judge import relaxed as relaxed_of
    from mlbench.study.study import Study

    if isinstance(thing, Study):
        yield from relaxed_of(thing.bench)
    elif isinstance(thing, pd.DataFrame):
        for text in thing["relaxed"].dropna() if "relaxed" in thing.columns else ():
            yield from str(text).split("; ")
    elif isinstance(thing, Mapping | list | tuple):
        for each in thing.values() if isinstance(thing, Mapping) else thing:
            yield from _relaxed(each)


def _said(what: str, reasons: tuple[str, ...]) -> str:
    return f"{what} is INVALID: {reasons[0].rstrip('.')}." if reasons else ""
