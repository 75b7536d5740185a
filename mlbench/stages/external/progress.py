"""The steps of a program, read as they come: from what it prints, or from its hook."""

from __future__ import annotations

import json
import os
import re
import select
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import monotonic_ns

__all__ = ["Progress", "Step", "from_hook", "from_lines", "wide_pipe"]

CHUNK = 1 << 16
F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Step:
    """One step that has ended; ``t_ns`` on the run's clock.

    Parameters
    ----------
    values
        Numbers that came with it, by name.
    text
        The line that told it; empty from a hook.
    ready
        Whether it says only that set-up is over.
    """

    t_ns: int
    values: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    ready: bool = False


Parse = Callable[[str, int], "Step | None"]
"""From a line and the time at which it was read to the step that it tells, if it tells one."""


class Progress:
    """Reads a program's pipe in a thread of its own, so that the program never waits for us.

    Parameters
    ----------
    pipe
        Read end.
    pid
        The process at whose end nothing more will come.
    parse
        What a line means.
    echo
        Whether what is read goes into the worker's log.
    """

    def __init__(self, pipe: int, pid: int, parse: Parse, echo: bool) -> None:
        self._pipe = pipe
        self._parse = parse
        self._echo = echo
        self._steps: SimpleQueue[Step | None] = SimpleQueue()
        self._ended = os.pidfd_open(pid)
        self._thread = threading.Thread(target=self._read, name="progress", daemon=True)
        self._thread.start()

    def next(self, timeout_s: float | None = None) -> Step | None:
        """The next step, waiting for it; null when the program has ended before.

        Raises
        ------
        queue.Empty
            If none came in time.
        """
        step = self._steps.get(timeout=timeout_s)
        if step is None:
            self._steps.put(None)  # for whoever asks next
        return step

    def forget(self) -> None:
        """Leave out the steps that nobody has asked for yet."""
        while not self._steps.empty():
            if self._steps.get() is None:
                self._steps.put(None)
                return

    def close(self) -> None:
        """Wait for the last words of a program that has ended."""
        self._thread.join()
        os.close(self._ended)
        os.close(self._pipe)

    def _read(self) -> None:
        rest = b""
        for data, now_ns in self._chunks():
            *lines, rest = re.split(rb"[\r\n]", rest + data)
            for line in lines:
                if step := self._parse(line.decode(errors="replace"), now_ns):
                    self._steps.put(step)
        if rest and (step := self._parse(rest.decode(errors="replace"), monotonic_ns())):
            self._steps.put(step)
        self._steps.put(None)

    def _chunks(self) -> Iterator[tuple[bytes, int]]:
        """What comes through the pipe, with the time at which it came, until the end."""
        os.set_blocking(self._pipe, False)
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        poll.register(self._ended, select.POLLIN)
        ended = False
        while not ended:
            ended = any(fd == self._ended for fd, _ in poll.poll())
            with suppress(BlockingIOError):
                while data := os.read(self._pipe, CHUNK):
                    yield data, monotonic_ns()
                    if self._echo:
                        os.write(2, data)


def from_lines(pattern: str) -> Parse:
    """Steps from the lines that ``pattern`` is found in; its named groups are values.

    Examples
    --------
    >>> from_lines(r"step .* loss=(?P<loss>[0-9.]+)")("step 3 loss=0.5", 7).values
    {'loss': 0.5}
    """
    search = re.compile(pattern).search

    def parse(line: str, now_ns: int) -> Step | None:
        found = search(line)
        return found and Step(now_ns, dict(_numbers(found.groupdict())), line)

    return parse


def _numbers(groups: Mapping[str, str | None]) -> Iterator[tuple[str, float]]:
    for name, text in groups.items():
        with suppress(TypeError, ValueError):  # the group took no part, or is no number
            yield name, float(text)  # type: ignore[arg-type]  # as above


def from_hook(line: str, now_ns: int) -> Step | None:  # noqa: ARG001  (it is a `Parse`)
    """A step from a line of `mlbench.hook`, with the time that the program took itself."""
    try:
        message = json.loads(line)
        if "ready" in message:
            return Step(int(message["ready"]), ready=True)
        return Step(int(message["t"]), message["values"])
    except (ValueError, KeyError, TypeError):  # not written by the hook
        return None


def wide_pipe() -> tuple[int, int]:
    """A pipe that holds a megabyte, where the kernel allows it."""
    import fcntl

    ends = os.pipe()
    with suppress(OSError):  # a limit of the user's: it holds 64 KiB then
        fcntl.fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES)
    return ends
