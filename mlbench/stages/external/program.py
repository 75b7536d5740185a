"""A program that a worker starts, watches, pauses and ends."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlbench.errors import MlbenchError
from mlbench.stages.external import keeper

__all__ = ["GRACE_S", "Program"]

GRACE_S = 2.0
"""From the wish to end (SIGTERM) until SIGKILL: less than a worker has to close in."""

TAIL_LINES = 12
TAIL_BYTES = 1 << 14


class Program:
    """A running command with all that it starts. What it prints goes into the worker's log.

    Parameters
    ----------
    command
        Words; the first is looked up on the path of ``environment``.
    directory
        Where it runs; null for the worker's own.
    output
        Descriptor that gets what it prints, both streams; null for the worker's log.

    Raises
    ------
    MlbenchError
        If there is no such program or directory.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path | None = None,
        output: int | None = None,
    ) -> None:
        self.command = list(command)
        _check(self.command[0], environment, directory)
        self._log_start = _log_size()
        self._paused: list[int] = []
        self._keeper = subprocess.Popen(  # noqa: S603  (the spec's own command)
            [sys.executable, "-I", "-S", keeper.__file__, str(GRACE_S), *self.command],
            stdin=subprocess.PIPE,
            stdout=2 if output is None else output,
            stderr=2 if output is None else output,
            cwd=directory,
            env=dict(environment),
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process that ends when the program and all that it started have ended."""
        return self._keeper.pid

    def ended(self, within_s: float = 0) -> str | None:
        """How it ended, in words; null where it still runs after some seconds."""
        try:
            return _in_words(self._keeper.wait(within_s))
        except subprocess.TimeoutExpired:
            return None

    def tail(self) -> str:
        """The last lines that it printed, below a sentence; empty where its log cannot be read."""
        end = _log_size()
        if end is None or self._log_start is None:
            return ""
        with open("/proc/self/fd/2", "rb") as log:
            log.seek(max(self._log_start, end - TAIL_BYTES))
            text = log.read(TAIL_BYTES).decode(errors="replace").strip()
        lines = text.splitlines()[-TAIL_LINES:]
        return "; the last that it said:\n" + "\n".join(lines) if lines else "; it said nothing"

    def pause(self) -> None:
        """Stop all its processes where they are (SIGSTOP), those in other groups as well."""
        while fresh := [pid for pid in self._processes() if pid not in self._paused]:
            _send(fresh, signal.SIGSTOP)  # one that is not stopped yet may start another
            self._paused += fresh

    def resume(self) -> None:
        """Let the processes go on that were paused."""
        _send(self._paused, signal.SIGCONT)
        self._paused = []

    def end(self) -> None:
        """Ask it to end (SIGTERM); after the grace kill it, and all that it left."""
        assert self._keeper.stdin is not None
        self.resume()
        try:
            self._keeper.stdin.write(b"e")
            self._keeper.stdin.close()
        except BrokenPipeError:  # it has ended already
            pass
        try:
            self._keeper.wait(2 * GRACE_S)
        except subprocess.TimeoutExpired:  # the kernel does not let go of a process: leave it
            self._keeper.kill()  # to the engine, which looks for what is left
            self._keeper.wait()

    def _processes(self) -> list[int]:
        import psutil

        try:
            found = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process.pid for process in found]


def _send(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _check(name: str, environment: Mapping[str, str], directory: Path | None) -> None:
    if directory is not None and not directory.is_dir():
        raise MlbenchError(f"there is no directory {directory}, in which {name!r} is to run")
    if os.sep in name:
        found = os.access(Path(directory or "", name), os.X_OK)
        where = f"executable file {name!r}" + (f" in {directory}" if directory else "")
    else:
        found = shutil.which(name, path=environment.get("PATH")) is not None
        where = f"program {name!r} on the path"
    if not found:
        raise MlbenchError(
            f"there is no {where}: install it, or write where it is, as in command: [/opt/x/bin/"
            f"{Path(name).name}, ...]"
        )


def _log_size() -> int | None:
    """Bytes in the worker's log; null where standard error is no file, as in a terminal."""
    found = os.fstat(2)
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _in_words(status: int) -> str:
    """The exit status of a keeper, which is 128 + n where signal n ended the command."""
    if status > 128 and status - 128 in {int(number) for number in signal.Signals}:
        return f"exit status {status} ({signal.Signals(status - 128).name})"
    return f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
