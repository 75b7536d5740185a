"""Which processes belong to which pipeline: the trees below the workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["bytes_of", "owners_of", "threads_of"]

SMALL_BYTES = 1 << 16
LINKS_OF_ONE = 3

# Paths are texts here, and files descriptors: a Path and an open file take longer to make
# than the kernel takes to answer, and there are some for each thread, each second.


def owners_of(roots: Mapping[int, str], root: Path = Path("/")) -> dict[int, str]:
    """The pipeline of every living process that is one of some, or below one.

    A kernel that lists the children of each thread is asked for these: that costs as much as
    the pipelines have threads. Else all processes of the machine are looked at.

    Parameters
    ----------
    roots
        Processes whose pipelines are known, by process id: the workers, and what was found
        below them before, so that one whose parent has ended is not forgotten.
    root
        Where ``proc`` is.
    """
    proc = str(root / "proc")
    listed = next((root / "proc").glob("self/task/*/children"), None) is not None
    children = _listed_children if listed else _Parents(proc)
    found: dict[int, str] = {}
    waiting = [(pid, name) for pid, name in roots.items() if os.path.exists(f"{proc}/{pid}")]
    while waiting:
        pid, name = waiting.pop()
        if pid not in found:
            found[pid] = name
            waiting.extend((child, name) for child in children(proc, pid))
    return found


def _listed_children(proc: str, pid: int) -> Iterator[int]:
    for thread in threads_of(proc, pid):
        yield from map(int, bytes_of(f"{proc}/{pid}/task/{thread}/children").split())


def threads_of(proc: str, pid: int) -> Sequence[str]:
    """The ids of a process's threads; none where it has ended.

    A folder has a link for itself, one in its parent, and one for each folder in it: so the
    kernel counts threads without being asked for their names, which takes four times as long.
    """
    folder = f"{proc}/{pid}/task"
    try:
        alone = os.stat(folder).st_nlink == LINKS_OF_ONE
        return (str(pid),) if alone else os.listdir(folder)
    except OSError:
        return ()


def bytes_of(path: str) -> bytes:
    """What a small file holds; nothing where its process or thread has just ended."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, SMALL_BYTES)
    except OSError:
        return b""
    finally:
        os.close(fd)


class _Parents:
    """The children of each process, from one look at all of them."""

    def __init__(self, proc: str) -> None:
        self._children: dict[int, list[int]] = {}
        for pid in filter(str.isdigit, os.listdir(proc)):
            fields = bytes_of(f"{proc}/{pid}/stat").rpartition(b")")[2].split()
            if fields:
                self._children.setdefault(int(fields[1]), []).append(int(pid))

    def __call__(self, proc: str, pid: int) -> list[int]:  # noqa: ARG002  (as of those listed)
        return self._children.get(pid, [])
