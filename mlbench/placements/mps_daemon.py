"""The control daemon of MPS for one GPU: started, asked, and ended, whatever it does.

A CUDA program that finds no daemon runs without MPS and says nothing. So a daemon that
died, or that no client came to, is an error: what was measured was not MPS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlbench.errors import EngineError
from mlbench.machine.mps import CONTROL, INSTALL, control_program
from mlbench.placements.visible import VISIBLE

__all__ = ["running"]

START_S = 10.0
"""Until the daemon answers its first question."""

ANSWER_S = 5.0
QUIT_S = 10.0
POLL_S = 0.05

LOG_BYTES = 2000


@contextmanager
def running(uuid: str) -> Iterator[Mapping[str, str]]:
    """A daemon for the GPU of that UUID; yields the variables of its clients.

    Raises
    ------
    EngineError
        On entering, if it does not start; on leaving, if it had died, or no client had
        come to it.
    """
    program = control_program()
    if program is None:
        raise EngineError(f"{CONTROL} is not on the path: {INSTALL}")
    # A socket's path has at most 108 characters: not below the run's directory.
    folder = Path(tempfile.mkdtemp(prefix="mlbench-mps-"))
    try:
        daemon = Daemon.start(program, uuid, folder)
        try:
            yield daemon.variables
            daemon.check()
        finally:
            daemon.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Daemon:
    """A control daemon, in the foreground of a process that is ours to wait for."""

    program: str
    uuid: str
    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, program: str, uuid: str, folder: Path) -> Daemon:
        """Start it, and wait until it answers."""
        for name in ("pipe", "log"):
            (folder / name).mkdir()
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  (the driver's own program)
                [program, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(uuid, folder),
            )
        daemon = cls(program, uuid, folder, process)
        try:
            daemon.wait()
        except BaseException:  # an interrupt, too: no daemon stays behind; raised again
            daemon.kill()
            raise
        return daemon

    @property
    def variables(self) -> dict[str, str]:
        """What a client needs to find it, and to see its device and no other."""
        return _variables(self.uuid, self.folder)

    def wait(self) -> None:
        """Wait until it answers."""
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s:
            if self.process.poll() is not None:
                raise EngineError(f"the MPS daemon did not start: {self.said()}")
            if (self.folder / "pipe" / "control").exists() and self.ask(
                "get_server_list"
            ) is not None:
                return
            time.sleep(POLL_S)
        raise EngineError(f"the MPS daemon did not answer within {START_S:g} s: {self.said()}")

    def ask(self, command: str, seconds: float = ANSWER_S) -> str | None:
        """Its answer to a command; null where it gives none."""
        try:
            done = subprocess.run(  # noqa: S603  (the driver's own program)
                [self.program],
                input=f"{command}\n",
                capture_output=True,
                text=True,
                timeout=seconds,
                env=_environment(self.uuid, self.folder),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def check(self) -> None:
        """See that it was there all the time, and that somebody used it."""
        servers = self.ask("get_server_list") if self.process.poll() is None else None
        if servers is None:
            raise EngineError(f"the MPS daemon was gone before the run had ended: {self.said()}")
        if not servers:
            raise EngineError("no process came to the MPS daemon, so nothing ran under MPS")

    def end(self) -> None:
        """Ask it to end; kill it, and the servers that it started, if it does not."""
        if self.process.poll() is None:
            self.ask("quit", QUIT_S)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(QUIT_S)
        self.kill()

    def kill(self) -> None:
        """End it at once; what it started carries the marker of the run and ends with that."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """The end of what it wrote, in one line."""
        written = [self.folder / "output", *sorted((self.folder / "log").glob("*.log"))]
        text = " ".join(" ".join(_tail(path).split()) for path in written if path.is_file()).strip()
        status = self.process.returncode
        return text or ("it said nothing" if status is None else f"exit status {status}")


def _environment(uuid: str, folder: Path) -> dict[str, str]:
    return {**os.environ, **_variables(uuid, folder)}


def _variables(uuid: str, folder: Path) -> dict[str, str]:
    """Daemon and clients name the device by UUID: the daemon renumbers what it serves."""
    return {
        "CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"),
        "CUDA_MPS_LOG_DIRECTORY": str(folder / "log"),
        VISIBLE: uuid,
    }


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        return file.read(LOG_BYTES).decode(errors="replace")
