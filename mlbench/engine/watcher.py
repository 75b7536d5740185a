"""One wait for all that can happen to a run: messages, deaths, a wish to stop, a deadline."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns as clock

from mlbench.engine.children import Child
from mlbench.store.layout import STOP

__all__ = ["Watcher"]

IN_CREATE, IN_MOVED_TO = 0x100, 0x80


class Watcher:
    """Waits on pipes, process descriptors and the run directory; never polls.

    Parameters
    ----------
    heard
        Called with a child and each message of it.
    died
        Called with a child that has ended, after its last message.
    stop
        Called when somebody asks the run to stop: a file, or a signal.
    """

    def __init__(
        self,
        run: Path,
        heard: Callable[[Child, dict[str, object]], None],
        died: Callable[[Child], None],
        stop: Callable[[str], None],
    ) -> None:
        self._run = run
        self._heard = heard
        self._died = died
        self._stop = stop
        self._selector = selectors.DefaultSelector()
        self._watch_signals()
        self._watch_directory()

    def _watch_signals(self) -> None:
        self._wakeup, write = os.pipe()
        os.set_blocking(write, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._signalled)

    def _watch_directory(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watch = libc.inotify_add_watch(inotify, os.fsencode(self._run), IN_CREATE | IN_MOVED_TO)
        self.watches_directory = inotify >= 0 and watch >= 0
        if self.watches_directory:
            self._selector.register(inotify, selectors.EVENT_READ, self._directory_changed)

    def add(self, child: Child) -> None:
        """Listen to a child, and notice its end."""
        self._selector.register(child.outbox, selectors.EVENT_READ, lambda _: self._listen(child))
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda _: self._ended(child))

    def wait(self, deadline_ns: int | None) -> None:
        """Wait for something to happen, at most until a deadline; then tell whom it concerns."""
        timeout_s = None if deadline_ns is None else max(0.0, (deadline_ns - clock()) / 1e9)
        for key, _ in self._selector.select(timeout_s):
            key.data(key.fd)

    def _listen(self, child: Child) -> bool:
        data = os.read(child.outbox, 1 << 16)
        if not data:
            self._selector.unregister(child.outbox)
            return False
        for message in child.lines.feed(data):
            child.said[str(message["kind"])] = message
            self._heard(child, message)
        return True

    def _ended(self, child: Child) -> None:
        os.set_blocking(child.outbox, False)
        try:
            while child.outbox in self._selector.get_map() and self._listen(child):
                pass
        except BlockingIOError:  # a grandchild still holds the write end
            self._selector.unregister(child.outbox)
        self._selector.unregister(child.pidfd)
        child.reap()
        self._died(child)

    def _signalled(self, fd: int) -> None:
        numbers = os.read(fd, 64)
        names = [signal.Signals(number).name for number in numbers if number != signal.SIGCHLD]
        if names:
            self._stop(f"got {names[0]}")

    def _directory_changed(self, fd: int) -> None:
        os.read(fd, 1 << 16)
        if (self._run / STOP).exists():
            self._stop("asked to stop")
