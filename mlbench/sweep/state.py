"""How each point of a sweep stands: ``state.json``, replaced as a whole at every change.

A point without the file is planned, and so is one whose file was torn when the machine went
down: it is executed again, and says so. One that claims to be running, by a process of this
machine that is gone, is found interrupted: that is derived, and never written.
"""

from __future__ import annotations

import json
import os
import platform
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlbench.errors import NotARunError, OutputError
from mlbench.store.layout import read_json
from mlbench.store.process import is_running, process_identity
from mlbench.sweep.durable import write_durably
from mlbench.sweep.layout import STATE, SweepManifest, point_directory

__all__ = [
    "CONTAMINATED",
    "DONE",
    "FAILED",
    "FINISHED",
    "INTERRUPTED",
    "PLANNED",
    "RUNNING",
    "STATUSES",
    "TIMED_OUT",
    "PointState",
    "host",
    "is_finished",
    "lives",
    "read_state",
    "states",
    "this_process",
    "unfinished",
    "write_state",
]

PLANNED, RUNNING, DONE = "planned", "running", "done"
FAILED, TIMED_OUT, CONTAMINATED = "failed", "timed-out", "contaminated"
INTERRUPTED = "interrupted"

STATUSES = (PLANNED, RUNNING, DONE, FAILED, TIMED_OUT, CONTAMINATED, INTERRUPTED)

FINISHED = frozenset({DONE, FAILED, TIMED_OUT})
"""With one of these a point is not executed again; contaminated ones while attempts are left."""


@dataclass(frozen=True)
class PointState:
    """How one point stands.

    Parameters
    ----------
    status
        One of `STATUSES`; ``interrupted`` is derived.
    attempts
        How often it was executed to an end, however that was; an interruption is none.
    process
        Who executes it (`mlbench.store.process.process_identity`, and ``host``).
    began, ended
        Wall clock, seconds since 1970.
    seconds
        How long it took, on a clock that nobody sets.
    error
        ``kind`` (of what raised it, or ``KernelDied``, ``Timeout``), ``message``, ``cell``; of
        a planned point why it is executed again, where that was no attempt.
    reasons
        Why it is contaminated.
    foreign
        What others did meanwhile.
    provenance
        Where and with what it was executed: host, machine, versions, commit, GPUs, driver.
    """

    status: str = PLANNED
    attempts: int = 0
    process: Mapping[str, Any] | None = None  # Any: JSON, here and below
    began: float | None = None
    ended: float | None = None
    seconds: float | None = None
    error: Mapping[str, Any] | None = None
    reasons: tuple[str, ...] = ()
    foreign: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


_SCHEMA = TypeAdapter(PointState)

MAX_TORN_BYTES = 1 << 20

_FIELDS = frozenset(each.name for each in fields(PointState))


def host() -> str:
    """The name of this machine."""
    return platform.node()


def this_process() -> dict[str, Any]:  # Any: JSON
    """Who executes a point: this process, as others can tell that it is gone."""
    return {**process_identity(os.getpid()), "host": host()}


def write_state(directory: Path, point: str, state: PointState) -> None:
    """Replace the state of a point.

    Raises
    ------
    OutputError
        If the disk does not take it.
    """
    folder = point_directory(directory, point)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(state), indent=1, ensure_ascii=False, allow_nan=False)
        write_durably(folder / STATE, text)
    except OSError as error:
        raise OutputError(f"cannot write {folder / STATE}: {error.strerror}") from None


def read_state(directory: Path, point: str) -> PointState:
    """The state of one point, with an interruption derived; planned where its file is torn.

    Raises
    ------
    NotARunError
        If its file says what no state says, or is no plain file.
    """
    folder = point_directory(directory, point)
    for each in (folder.parent, folder):
        if each.is_symlink():
            raise NotARunError(f"{each} is a link: a sweep is read from one directory only")
    path = folder / STATE
    data = read_json(path)
    if data is None and not os.path.lexists(path):
        return PointState()
    if data is None and _is_torn(path):
        return _torn(path)
    known = {name: value for name, value in (data or {}).items() if name in _FIELDS}
    try:  # as JSON, in which a list is a tuple and a mapping a dataclass
        found = _SCHEMA.validate_json(json.dumps(known), strict=True)
    except ValidationError:
        found = None
    if data is None or found is None or found.status not in STATUSES:
        raise NotARunError(f"{path} is no state of a point")
    return replace(found, status=INTERRUPTED) if _is_gone(found) else found


def _is_torn(path: Path) -> bool:
    """Whether a file was read, and is no JSON; one that cannot be read says nothing."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_TORN_BYTES:
            return False
        json.loads(path.read_bytes())
    except ValueError:
        return True
    except OSError:
        return False
    return False


def _torn(path: Path) -> PointState:
    """That of a point of which nobody knows any more how it came out."""
    text = f"{path} is empty or torn, as after a crash: the point is executed again"
    return PointState(error={"kind": "StateLost", "message": text})


def _is_gone(state: PointState) -> bool:
    """Whether it claims to be running, and this machine knows better."""
    process = state.process
    return state.status == RUNNING and bool(process) and lives(process or {}) is False


def lives(process: Mapping[str, Any]) -> bool | None:  # Any: JSON
    """Whether a process that `this_process` told of lives; null if it is of another machine."""
    return is_running(process) if process.get("host") == host() else None


def states(directory: Path, points: Iterable[str]) -> dict[str, PointState]:
    """The states of points, by id; quick where most of them have not begun."""
    try:
        begun = set(os.listdir(directory / "points"))
    except OSError:
        begun = set()
    planned = PointState()
    return {point: read_state(directory, point) if point in begun else planned for point in points}


def is_finished(state: PointState, attempts: int) -> bool:
    """Whether a point is not executed again.

    Parameters
    ----------
    attempts
        How often a point that others disturb is made, at most.
    """
    if state.status == CONTAMINATED:
        return state.attempts >= attempts
    return state.status in FINISHED


def unfinished(manifest: SweepManifest, found: Mapping[str, PointState]) -> list[str]:
    """Ids of the blocks that have something left to do, in the order of the plan."""
    attempts = manifest.plan.contamination.attempts
    left = {p.block for p in manifest.points if not is_finished(found[p.id], attempts)}
    return [block.id for block in manifest.blocks if block.id in left]
