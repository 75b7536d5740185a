"""Exclusive use of processors and GPUs on one machine: a lock file for each, held by `flock`.

The kernel releases a lock when its holder is gone, however it went. Locks are those of one
user: they keep sweeps apart, and no stranger's program, which is what looking for foreign
processes is for.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mlbench.errors import EngineError, OutputError

__all__ = ["HeldError", "Locks", "runtime_directory"]

DIRECTORY = "MLBENCH_LOCKS"
"""Variable of the environment that names another directory for the lock files."""

POLL_S = 0.25


class HeldError(EngineError):
    """Somebody else holds what is needed, and one was told not to wait."""


def runtime_directory() -> Path:
    """Where the lock files of this user stand on this machine, made if need be.

    It does not follow ``XDG_RUNTIME_DIR``: a notebook server and a login shell may have
    different ones, and their sweeps have to meet.

    Raises
    ------
    OutputError
        If it cannot be made, or is somebody else's.
    """
    if given := os.environ.get(DIRECTORY):
        path = Path(given)
    else:
        # /run/user/UID goes with the user's last session, its locks with it, and tmux goes on.
        path = Path(f"/tmp/mlbench-{os.getuid()}")  # noqa: S108  (checked below)
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise OutputError(f"cannot make {path}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OutputError(f"{path} is not a directory of yours: remove it, or set {DIRECTORY}")
    return path


class Locks:
    """Lock files, taken one after the other in the order of their names.

    Whoever takes several does so in this order, so nobody waits in a circle.

    Parameters
    ----------
    directory
        Where they stand.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, int] = {}

    def take(
        self,
        names: Iterable[str],
        holder: Mapping[str, Any],  # Any: JSON
        waits: Callable[[str], bool] | None,
    ) -> bool:
        """Take all of them; whether it came to that.

        Parameters
        ----------
        names
            ``cpu-0``, ``gpu-GPU-1234``.
        holder
            Who takes them, for those who wait: ``sweep``, ``block``, ``process``.
        waits
            Called with whom it waits for, a few times a second; false ends the wait. Null
            for not waiting at all.

        Raises
        ------
        HeldError
            If one is held, and it should not wait.
        """
        for name in sorted(names):
            descriptor = os.open(self._directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._held[name] = descriptor
            while not _try(descriptor):
                told = f"{name} is held by {_holder(descriptor)}"
                if waits is None:
                    raise HeldError(f"{told}; leave out --no-wait to wait for it")
                if not waits(told):
                    self.release()
                    return False
                time.sleep(POLL_S)
            _sign(descriptor, holder)
        return True

    def release(self) -> None:
        """Give all of them back."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, holder: Mapping[str, Any]) -> None:  # Any: JSON
    text = json.dumps(holder).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def _holder(descriptor: int) -> str:
    """Who holds it, as its file says."""
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return f"the sweep {found['sweep']} (block {found['block']}, process {found['process']})"
    except (ValueError, KeyError, TypeError):  # taken this very moment, and not signed yet
        return "another sweep"
