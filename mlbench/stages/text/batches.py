"""Payloads of one text or many: stages that treat all of them in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

__all__ = ["Batches", "Texts", "in_one_pass"]

Texts = str | list[str]
"""One text, or the texts of a query that carries several."""

Batches = str | list[str] | list[list[str]]
"""The same, or the payloads of a dynamic batch."""


def in_one_pass(payload: Any, call: Callable[[list[str]], Iterable[Any]]) -> Any:
    """The results of one call for all texts of a payload, in the payload's own shape.

    A query that carries several items has a list of texts, a dynamic batch a list of
    payloads, and both together a list of lists: of each, one call gets all texts.

    Parameters
    ----------
    payload
        A text, or lists of texts that may nest; Any: as deep as they do.
    call
        Gives one result for each text, in order.

    Examples
    --------
    >>> in_one_pass([["a", "bc"], "def"], lambda texts: map(len, texts))
    [[1, 2], 3]
    """
    return _shaped(payload, iter(call(list(_texts(payload)))))


def _texts(payload: str | Sequence[Any]) -> Iterator[str]:
    if isinstance(payload, str):
        yield payload
        return
    for part in payload:
        yield from _texts(part)


def _shaped(payload: str | Sequence[Any], results: Iterator[Any]) -> Any:
    if isinstance(payload, str):
        return next(results)
    return [_shaped(part, results) for part in payload]
