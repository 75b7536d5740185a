"""What travels between the processes of a run.

To a worker, messages of 32 bytes: queries through its *inbox*, which the driver writes and
the thread that goes on with them reads itself; what the supervisor wants through its
*control*. From every process to the supervisor: one line of JSON a message. From a worker to
the recorder: frames of text.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import threading
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

__all__ = ["CHUNK", "Frame", "Lines", "Mail", "Texts", "frames_of", "mail", "pipe", "tell"]

MAIL = struct.Struct("=qqqq")
CHUNK = MAIL.size * 2048
PIPE_BYTES = 1 << 20
FRAME = struct.Struct("=BqI")


class Mail(IntEnum):
    """Messages that are no query; a query's index stands in the same field.

    ``STOP`` and ``WAKE`` come through the inbox: no further query, read no more.
    The others through the control: warm up, the barrier's instant (as ``due``), end what
    is under way, and, from the worker's own threads, that all is over.
    """

    STOP = -1
    WAKE = -2
    WARM = -3
    START = -4
    CANCEL = -5
    OVER = -6


def mail(query: int, item: int = 0, due: int = 0, sent: int = 0) -> bytes:
    """One message: a query with its item, due and sent, or a `Mail`."""
    return MAIL.pack(query, item, due, sent)


def pipe() -> tuple[int, int]:
    """A pipe as large as the system allows, read end first."""
    read, write = os.pipe()
    for size in (PIPE_BYTES, PIPE_BYTES // 4):
        try:
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, size)
            break
        except PermissionError:  # above the limit for users: /proc/sys/fs/pipe-max-size
            continue
    return read, write


def tell(fd: int, kind: str, **values: Any) -> None:  # Any: JSON
    """Send one line to the supervisor."""
    os.write(fd, json.dumps({"kind": kind, **values}).encode() + b"\n")


class Lines:
    """Splits what a pipe brings into messages; keeps the torn end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:  # Any: JSON
        """The messages that are whole now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield json.loads(line)


class Frame(IntEnum):
    """What a text belongs to."""

    ERROR = 1
    OUTPUT = 2


class Texts:
    """Frames of text from a worker to the recorder; never blocks.

    What the pipe does not take is kept and sent with the next frame, up to ``limit_bytes``.
    """

    def __init__(self, fd: int, limit_bytes: int = 64 << 20) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._limit_bytes = limit_bytes
        self._waiting = bytearray()
        self._lock = threading.Lock()

    def put(self, frame: Frame, query: int, text: bytes) -> None:
        """Send one text of a query.

        Raises
        ------
        BufferError
            If the recorder has not read for so long that ``limit_bytes`` wait.
        """
        with self._lock:
            self._waiting += FRAME.pack(frame, query, len(text))
            self._waiting += text
            self._flush()
            if len(self._waiting) > self._limit_bytes:
                raise BufferError(f"{self._limit_bytes} bytes of outputs wait for the recorder")

    def close(self) -> None:
        """Send what waits, blocking."""
        with self._lock:
            os.set_blocking(self._fd, True)
            self._flush()

    def _flush(self) -> None:
        try:
            while self._waiting:
                with memoryview(self._waiting) as view:
                    written = os.write(self._fd, view[:PIPE_BYTES])
                del self._waiting[:written]
        except BlockingIOError:
            return
        except BrokenPipeError:
            raise BrokenPipeError("the recorder has ended") from None


def frames_of(data: bytearray) -> Iterator[tuple[Frame, int, bytes]]:
    """Take the whole frames off the front of ``data``: kind, query, text."""
    position = 0
    while len(data) - position >= FRAME.size:
        kind, query, size = FRAME.unpack_from(data, position)
        end = position + FRAME.size + size
        if len(data) < end:
            break
        yield Frame(kind), query, bytes(data[position + FRAME.size : end])
        position = end
    del data[:position]
