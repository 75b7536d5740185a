"""Questions that may never be answered: to a driver whose device is in trouble."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

__all__ = ["in_time"]

Answer = TypeVar("Answer")


def in_time(ask: Callable[[], Answer], seconds: float) -> Answer:
    """The answer, or whatever ``ask`` raises.

    A call that hangs in a driver cannot be ended: its thread is left behind.

    Raises
    ------
    TimeoutError
        If there is neither after this time.

    Examples
    --------
    >>> in_time(lambda: 6 * 7, seconds=5)
    42
    """
    answers: list[Answer] = []
    errors: list[Exception] = []

    def asking() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # it is raised below, in the thread of who asked
            errors.append(error)

    thread = Thread(target=asking, name="asking", daemon=True)
    thread.start()
    thread.join(seconds)
    for error in errors:
        raise error
    if not answers:
        raise TimeoutError(f"there was no answer within {seconds:g} s")
    return answers[0]
