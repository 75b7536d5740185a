"""What a sink gave, as one line of JSON: small values whole, large ones by their shape."""

from __future__ import annotations

import json

__all__ = ["as_json"]

MAX_TEXT = 16_384
MAX_ITEMS = 1_000
MAX_DEPTH = 6


def as_json(query: int, sink: str, branch: int, value: object) -> bytes:
    """One line for ``outputs.jsonl``; never fails, never grows with the payload."""
    row = {"query": query, "sink": sink, "branch": branch, "output": plain(value)}
    return json.dumps(row, ensure_ascii=False, default=str).encode(errors="replace") + b"\n"


def plain(value: object, depth: int = 0) -> object:
    """The value as JSON can hold it; an array, a block of bytes or an object by description."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "..."
    if isinstance(value, bytes | bytearray | memoryview):
        return {"type": type(value).__name__, "bytes": len(value)}
    if depth < MAX_DEPTH and isinstance(value, dict):
        return {str(key): plain(value[key], depth + 1) for key in list(value)[:MAX_ITEMS]}
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in value[:MAX_ITEMS]]
    return _description(value)


def _description(value: object) -> dict[str, object]:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    described: dict[str, object] = {"type": kind}
    if (shape := getattr(value, "shape", None)) is not None:
        described["shape"] = [int(size) for size in shape]
        described["dtype"] = str(getattr(value, "dtype", ""))
    return described
