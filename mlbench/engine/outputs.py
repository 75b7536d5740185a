"""What a sink gave, as one line of JSON: small values whole, large ones by their shape."""

from __future__ import annotations

import json
from itertools import islice

__all__ = ["as_json"]

MAX_TEXT = 16_384
MAX_ITEMS = 1_000
MAX_DEPTH = 6
MAX_CHARACTERS = 1 << 18
"""Of all values together, about: lists may hold each other, and themselves, many times over."""

MAX_BITS = 8_192
"""Of an integer; Python itself refuses to print one of more than 4,300 digits."""


def as_json(query: int, sink: str, branch: int, value: object) -> bytes:
    """One line for ``outputs.jsonl``; never fails, never grows with the payload."""
    try:
        return _line(query, sink, branch, _plain(value, 0, _Room()))
    except Exception as error:  # a payload's own methods may raise anything: say so
        unreadable = {"type": _kind(value), "unreadable": type(error).__name__}
        return _line(query, sink, branch, unreadable)


def _line(query: int, sink: str, branch: int, output: object) -> bytes:
    row = {"query": query, "sink": sink, "branch": branch, "output": output}
    return json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n"


class _Room:
    """Characters that one output may still take."""

    def __init__(self) -> None:
        self.left = MAX_CHARACTERS

    def take(self, characters: int) -> bool:
        """Whether there was room for this much."""
        self.left -= characters
        return self.left >= 0


def _plain(value: object, depth: int, room: _Room) -> object:
    """The value as JSON can hold it; an array, a block of bytes or an object by description."""
    if not room.take(16):  # about what a number takes, or half of a description
        return _description(value)
    if isinstance(value, str):
        return _text(value, room)
    if isinstance(value, dict) and depth < MAX_DEPTH:
        some = list(islice(value.items(), MAX_ITEMS))
        return {_text(str(key), room): _plain(each, depth + 1, room) for key, each in some}
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        return [_plain(each, depth + 1, room) for each in value[:MAX_ITEMS]]
    return _scalar(value)


def _text(text: str, room: _Room) -> str:
    size = min(MAX_TEXT, max(room.left, 0))
    room.take(min(len(text), size))
    return text if len(text) <= size else text[:size] + "..."


def _scalar(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return _description(value)


def _description(value: object) -> dict[str, object]:
    """What a value is: its type, and its size or shape where it has one."""
    if isinstance(value, bytes | bytearray):
        return {"type": type(value).__name__, "bytes": len(value)}
    if isinstance(value, memoryview):
        return {"type": "memoryview", "bytes": value.nbytes}
    described: dict[str, object] = {"type": _kind(value)}
    if isinstance(shape := getattr(value, "shape", None), tuple):
        described["shape"] = [int(size) for size in shape[:MAX_ITEMS]]
        described["dtype"] = str(getattr(value, "dtype", ""))[:MAX_TEXT]
    return described


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
