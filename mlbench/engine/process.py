"""Child processes that end with their parent, and the search for what they left behind."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from mlbench.store.process import children, inheritors

__all__ = [
    "MARKER",
    "become_subreaper",
    "children",
    "confine",
    "end_group",
    "fork",
    "leave",
    "log_to",
    "marked",
    "name_process",
    "reap_orphans",
]

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

MARKER = "MLBENCH_RUN"
"""Variable of the environment that every process of a run inherits; its ``spec.json`` has it."""


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def name_process(name: str) -> None:
    """Let ``ps`` and ``top`` show ``name`` (15 bytes of it)."""
    _prctl(PR_SET_NAME, name.encode()[:15])


def become_subreaper() -> None:
    """Have orphans of this process's descendants come to it, not to init."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def confine(cpus: Iterable[int]) -> None:
    """Run this process on these processors alone, where the system lets it.

    Linux keeps affinity by thread, and libraries start some when they are imported.
    """
    chosen = tuple(cpus)
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError):  # it may have ended
            os.sched_setaffinity(int(thread), chosen)


def fork(
    name: str,
    body: Callable[[], int | None],
    keep: Sequence[int],
    output: Path | None = None,
    dies_with_parent: bool = True,
) -> int:
    """Start ``body`` in a child with a process group of its own; returns its process id.

    Forking shares what the supervisor has imported, so a worker starts in milliseconds;
    the supervisor has one thread and no accelerator context, so it is safe.

    Parameters
    ----------
    keep
        Descriptors that stay open in the child; all others above 2 are closed.
    output
        File that gets the child's stdout and stderr.
    dies_with_parent
        Whether the kernel kills it when the supervisor dies.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _live(lambda: _settle(name, keep, output, parent if dies_with_parent else None), body)
    return pid


def _live(settle: Callable[[], None], body: Callable[[], int | None]) -> NoReturn:
    """The whole life of a child."""
    try:
        settle()
        status = body() or 0
    except BaseException:  # last line of a process: what it was must reach its log
        status = 70
        with suppress(OSError):  # on a full disk there is no log
            traceback.print_exc()
    leave(status)


def _settle(name: str, keep: Sequence[int], output: Path | None, parent: int | None) -> None:
    os.setpgid(0, 0)
    name_process(f"mlbench:{name}")
    if parent is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _close_others(keep)
    if output is not None:
        log_to(output)
        faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True)


def log_to(path: Path) -> None:
    """Let what this process writes to its standard output and error go to the end of a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _close_others(keep: Iterable[int]) -> None:
    low = 3
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def leave(status: int) -> NoReturn:
    """End this process at once: no exit handlers, no waiting for threads, no tidying up."""
    for output in (sys.stdout, sys.stderr):
        try:
            output.flush()
        except (OSError, ValueError):
            continue
    os._exit(status)  # a child has the supervisor's handlers; to take all modules apart takes 0.1 s


def end_group(pid: int, number: int) -> None:
    """Send a signal to the child and everything in its process group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        os.kill(pid, number)


def marked(run: str, but: Iterable[int] = ()) -> list[int]:
    """Living processes that carry the run's marker: those that left their group as well."""
    spared = set(but)
    return [pid for pid in inheritors(MARKER, run) if pid not in spared]


def reap_orphans() -> None:
    """Take the exit status of every process that has ended and come to this one."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
