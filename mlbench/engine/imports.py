"""Garbage collection while a process of a run imports what it needs: none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """Collect nothing in this block, and never look through what it made.

    Imports make no garbage, and looking for it takes a twentieth of their time. Afterwards
    collections begin as Python's own: in a worker they go through what its stages have made,
    and not through the harness as well.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
