"""Imports while something else is to start soon: nothing beside them, and gently."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock, Thread, get_native_id

__all__ = ["environment", "gently", "importing", "without_plugins"]

BLAS = "OPENBLAS_NUM_THREADS"
"""Read once, when the library is loaded."""

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""Read whenever a model is built, which is when it is first used."""

NICE = 5
"""A quarter of a processor where two want it: it goes last, and does not starve."""

_held: dict[str, int] = {}
"""Variables that are set for a while only, with the number of blocks that each is set for."""

_changing = RLock()  # a signal handler may read a manifest, also in the midst of a change


@contextmanager
def importing() -> Iterator[None]:
    """Collect nothing in this block, never look through what it made, and start no threads.

    Imports make no garbage, and looking for it takes a twentieth of their time. Afterwards
    collections begin as Python's own: in a worker they go through what its stages have made,
    and not through the harness as well.

    NumPy's linear algebra starts a thread for each processor when it is loaded, all of which
    then look for work for a tenth of a second: as long as the import takes. Nobody who
    measures or looks on has any for them. What a worker's stages import is not meant.
    """
    gc.disable()
    try:
        with _variable(BLAS, "1"):
            yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def without_plugins(model: type) -> Iterator[None]:
    """Build one of the harness's own models in this block without plugins of pydantic.

    To find them it looks through all that is installed, 20 ms in each process. A model is
    built when it is first used, so later blocks change nothing. Models that a stage uses beside
    its options have their plugins, as ever.
    """
    if getattr(model, "__pydantic_complete__", False):
        yield
        return
    with _variable(PLUGINS, "__all__"):
        yield


def environment() -> dict[str, str]:
    """What a process that is started now gets: without what another thread's block has set."""
    with _changing:
        return {name: text for name, text in os.environ.items() if name not in _held}


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """A variable of the environment, unless it has a value already.

    Blocks of several threads share it: the last of them removes it.
    """
    with _changing:
        is_given = name in os.environ and name not in _held
        if not is_given:
            os.environ[name] = value
            _held[name] = _held.get(name, 0) + 1
    try:
        yield
    finally:
        if not is_given:
            _let_go(name)


def _let_go(name: str) -> None:
    with _changing:
        others = _held.pop(name) - 1
        if others:
            _held[name] = others
        else:
            os.environ.pop(name, None)


def gently(work: Callable[[], object]) -> None:
    """Call it and wait for it, while whoever else wants a processor goes first.

    It happens in a thread of its own: Linux has a priority for each (``setpriority(2)``), and
    one that is given up does not come back. Other systems have one for the whole process, so
    it stays as it is there. What it raises is lost: an import is tried again where it is used.
    """
    thread = Thread(target=_lowered, args=(work,))
    thread.start()
    thread.join()


def _lowered(work: Callable[[], object]) -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            thread = get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE)
    with suppress(Exception):  # whatever an import raises is raised where it is used
        work()
