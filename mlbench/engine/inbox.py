"""The inbox of a worker under an open load, read by a thread that goes on with what it read.

A thread that did nothing but read the pipe would get the interpreter lock up to 5 ms late
whenever the stages compute in Python, and whoever it hands a query to would be late again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic_ns as clock

from mlbench.engine.flow import Branch
from mlbench.engine.wire import CHUNK, MAIL, Mail, mail

__all__ = ["Inbox"]


class Inbox:
    """A pipe that queries come through.

    Parameters
    ----------
    fd, wake_fd
        Its read and its write end.
    admit
        Makes the first branch of a query that has come: query, item, due, sent, received.
    stopped
        Called when no further query will come.
    """

    def __init__(
        self,
        fd: int,
        wake_fd: int,
        admit: Callable[[int, int, int, int, int], Branch],
        stopped: Callable[[], None],
    ) -> None:
        self._fd = fd
        self._wake_fd = wake_fd
        self._admit = admit
        self._stopped = stopped

    def read(self) -> list[Branch]:
        """Wait for mail; returns the queries that it brought, in the order of their dispatch."""
        data = os.read(self._fd, CHUNK)
        received = clock()
        came = []
        for query, item, due, sent in MAIL.iter_unpack(data):
            if query >= 0:
                came.append(self._admit(query, item, due, sent, received))
            elif query == Mail.STOP:
                self._stopped()
        return came

    def wake(self) -> None:
        """Wake the thread that reads, or the next one that does."""
        os.write(self._wake_fd, mail(Mail.WAKE))
