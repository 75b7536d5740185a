"""Follower: a thread that looks again and again, as long as there is something to see."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from threading import Event, Thread, current_thread
from typing import Any
from weakref import WeakMethod

from IPython.core.getipython import get_ipython

__all__ = ["Follower"]

END_S = 2.0
"""How long whoever ends it waits for it."""


class Follower:
    """Calls a method in a thread of its own, so that a busy cell of a notebook does not stop it.

    Parameters
    ----------
    look
        A bound method; it returns whether there may be more. It is held weakly: the thread
        ends with its object.
    every_s
        How long it rests after each look.
    name
        Of the thread.
    """

    def __init__(self, look: Callable[[], bool], every_s: float, name: str) -> None:
        self._look = WeakMethod(look)
        self._every_s = every_s
        self._ended, self._wake = Event(), Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_going(self) -> bool:
        """Whether it will look again."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def end(self) -> None:
        """Look no more, and wait until the last look is over."""
        self._ended.set()
        self._wake.set()
        if self._thread is not current_thread():
            self._thread.join(END_S)

    def _run(self) -> None:
        _speak_for_nobody()
        while not self._ended.is_set():
            look: Any = self._look()  # Any: mypy has no type for what a WeakMethod gives
            if look is None or not look():
                return
            del look  # or the object could not go while this rests
            self._wake.wait(self._every_s)
            self._wake.clear()


def _speak_for_nobody() -> None:
    """Let what this thread sends answer no cell.

    ipykernel 7 hands what the browser sends to a widget to the loop that spoke for it last. For
    a thread that would be the main one, which a busy cell holds up; else it is a subshell, which
    answers meanwhile (ipykernel/comm/comm.py, ``_reply_subshell_for``).
    """
    kernel = getattr(get_ipython(), "kernel", None)
    parent = getattr(kernel, "_shell_parent", None)
    if isinstance(parent, ContextVar):
        parent.set({})
