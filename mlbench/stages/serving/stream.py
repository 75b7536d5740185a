"""The answer of a chat endpoint, piece by piece, as its server-sent events bring it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mlbench.errors import QueryError
from mlbench.stages.serving.endpoint import message_of

__all__ = ["pieces"]


def pieces(lines: Iterable[bytes]) -> Iterator[str]:
    """The pieces of text, in order; most servers send one for each token.

    A piece of a model's reasoning is an empty one: a token, and no part of the answer.

    Parameters
    ----------
    lines
        Of the response, each as soon as it is there. They are taken to their end, so that
        the connection can be used again.

    Raises
    ------
    QueryError
        If the server tells an error, or the stream ends before the answer does.

    Examples
    --------
    >>> answer = b'data: {"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}'
    >>> list(pieces([answer, b"", b"data: [DONE]"]))
    ['Yes']
    """
    count, finished = 0, False
    for line in lines:
        field, _, data = line.strip().partition(b":")
        data = data.strip()
        if field != b"data":
            continue
        if data == b"[DONE]":
            finished = True
            continue
        text, ended = _read(data)
        finished = finished or ended
        if text is not None:
            count += 1
            yield text
    if not finished:
        raise QueryError(f"the stream broke off; pieces of the answer so far: {count}")


def _read(data: bytes) -> tuple[str | None, bool]:
    """The text of one event, null where it brings none, and whether the answer ends with it."""
    try:
        found: Any = json.loads(data)  # Any: JSON
    except ValueError:
        raise QueryError(f"the stream has an event that is no JSON: {data[:200]!r}") from None
    if not isinstance(found, dict) or found.get("error"):
        raise QueryError(f"the server ended the answer: {message_of(found)}")
    choice = (found.get("choices") or [{}])[0]
    delta = choice.get("delta") or {}
    thought = delta.get("reasoning_content") or delta.get("reasoning")
    text = delta.get("content") or ("" if thought else None)
    return text, choice.get("finish_reason") is not None
