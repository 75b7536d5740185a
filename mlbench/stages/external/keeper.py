"""Runs a command and outlives it: ends all that it started, whatever becomes of the worker.

Run as ``python -I -S keeper.py GRACE_SECONDS COMMAND...``, with a pipe from the worker as
standard input. It has no other work than to wait. The command ends when the pipe brings a
byte (gently) or its end (at once: the worker is gone, in whatever way), and with it goes
every process that it started: as their subreaper the keeper gets those, too, that began a
session of their own, as the workers of ``torchrun`` do.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str]) -> int:
    """Run the command to its end; returns its exit status, 128 + n where signal n ended it."""
    grace_s, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_NAME, b"mlbench:keeper", 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, libc, keeper)
    status = _wait(child, float(grace_s))
    _end_the_rest()
    return status if status >= 0 else 128 - status


def _become(command: list[str], libc: ctypes.CDLL, keeper: int) -> NoReturn:
    """Turn into the command, with signals as a shell would leave them and nothing to read."""
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != keeper:  # it died before the line above
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        os.execvp(command[0], command)  # noqa: S606  (the spec's own command, without a shell)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be executed: {error.strerror}\n")
        sys.stderr.flush()
    os._exit(126)


def _wait(child: int, grace_s: float) -> int:
    """Wait until the command ends by itself, or has to; its status as `waitstatus_to_exitcode`."""
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, 0], [], [])
    if ended not in ready:
        gently = os.read(0, 1) != b""
        os.kill(child, signal.SIGTERM if gently else signal.SIGKILL)
        if not select.select([ended], [], [], grace_s)[0]:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _end_the_rest() -> None:
    """Kill what the command left, which is a child of this process now, until nothing is left."""
    while True:
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:  # it has just ended, or belongs to another user
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The children of this process, which has one thread."""
    me = str(os.getpid())
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == me]


def _parent(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[1].decode()
    except OSError:  # it has just ended
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
