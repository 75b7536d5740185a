"""The cache directory: what is slow to make is made once on a machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlbench.errors import MlbenchError
from mlbench.stages.text.notes import note

__all__ = ["cache_directory", "made_once"]


def cache_directory() -> Path:
    """Where mlbench keeps what it can make again: ``$XDG_CACHE_HOME/mlbench``.

    By the XDG base directory specification, ``~/.cache`` stands for a variable that is not
    set, is empty, or holds no absolute path.
    """
    said = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (said if said.is_absolute() else Path.home() / ".cache") / "mlbench"


def made_once(name: str, make: Callable[[Path], None], needed_bytes: int) -> Path:
    """The folder ``name`` of the cache directory, made by ``make`` if it is not there.

    It appears whole or not at all: ``make`` fills another folder, which is then renamed.
    Of processes that want it at the same time one makes it and the others wait; a lock of
    the kernel's is let go of even by a process that is killed.

    Parameters
    ----------
    make
        Fills the empty folder that it is given.
    needed_bytes
        Free space to ask for before.

    Raises
    ------
    MlbenchError
        If the directory cannot be written, or the disk has too little space.
    """
    folder = cache_directory() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{name}.lock")):
            if not folder.is_dir():
                _check_space(folder.parent, needed_bytes)
                _make(folder, make)
    except OSError as error:
        raise MlbenchError(
            f"cannot write the cache directory {folder.parent}: {error.strerror or error}; set "
            "XDG_CACHE_HOME to a directory that can be written"
        ) from error
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    make(partial)
    partial.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("cache", f"waiting for another process that makes {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_space(directory: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise MlbenchError(
            f"the cache directory {directory} needs {needed_bytes / 1e6:,.0f} MB and its disk has "
            f"{free / 1e6:,.0f} MB left: free some, or set XDG_CACHE_HOME to another disk"
        )
