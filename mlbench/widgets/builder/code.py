"""A benchmark as Python code that makes it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlbench.spec import Benchmark

__all__ = ["to_python"]

WIDTH = 88
INDENT = "    "


def to_python(bench: Benchmark) -> str:
    """Code that imports mlbench and makes ``bench``, an equal benchmark.

    A stage that only a notebook has stands there by its name, ``__main__:spell``: where that
    is defined, it is found.

    Examples
    --------
    >>> print(to_python(Benchmark(name="nothing", seed=3)))
    import mlbench as mb
    <BLANKLINE>
    bench = mb.Benchmark(
        name='nothing',
        seed=3,
    )
    """
    lines = ["import mlbench as mb", "", "bench = mb.Benchmark("]
    for name, value in bench.plain().items():
        lines += _entry(f"{name}=", value, INDENT)
    return "\n".join([*lines, ")"])


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:  # Any: plain data
    """The lines of one argument, or of one item of a mapping or a list."""
    flat = f"{indent}{head}{value!r},"
    if not isinstance(value, dict | list) or not value or len(flat) <= WIDTH:
        yield flat
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield f"{indent}{head}{opening}"
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _entry(f"{key!r}: ", each, indent + INDENT)
    else:
        for each in value:
            yield from _entry("", each, indent + INDENT)
    yield f"{indent}{closing},"
