"""Stages opened directly, without an engine, and torch on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mlbench.interfaces.stage import Context

Open = Callable[..., Any]


def _opened() -> Iterator[Open]:
    with ExitStack() as stack:

        def enter(configured: Any, context: Context | None = None) -> Any:
            return stack.enter_context(configured.open(context or Context()))

        yield enter


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open something until the test ends: ``opened(Chat(url=...))``."""
    yield from _opened()


@pytest.fixture(scope="module")
def kept_open() -> Iterator[Open]:
    """Open something until all tests of the file have ended: a model that they share."""
    yield from _opened()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Two threads on the two cores of a small machine spin against each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
