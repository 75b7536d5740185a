"""What Slurm says of a job, in the words of mlbench."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["FIELDS", "Job", "State", "duration", "is_hopeless", "parsed", "state_of"]

State = Literal[
    "pending",
    "running",
    "done",
    "failed",
    "timed out",
    "cancelled",
    "node failed",
    "out of memory",
]
"""How a job stands. All but the first two are ends."""

_GOING = ("pending", "running")

_STATES: dict[str, State] = {
    "PENDING": "pending",
    "CONFIGURING": "pending",
    "REQUEUED": "pending",
    "REQUEUE_HOLD": "pending",
    "REQUEUE_FED": "pending",
    "RESV_DEL_HOLD": "pending",
    "SPECIAL_EXIT": "pending",
    "RUNNING": "running",
    # Its processes are being ended: what they write on the way is still to come.
    "COMPLETING": "running",
    "RESIZING": "running",
    "SIGNALING": "running",
    "STAGE_OUT": "running",
    "STOPPED": "running",
    "SUSPENDED": "running",
    "COMPLETED": "done",
    "FAILED": "failed",
    "TIMEOUT": "timed out",
    "DEADLINE": "timed out",
    "CANCELLED": "cancelled",
    "PREEMPTED": "cancelled",
    "REVOKED": "cancelled",
    "BOOT_FAIL": "node failed",
    "NODE_FAIL": "node failed",
    "OUT_OF_MEMORY": "out of memory",
}

FIELDS = "%i|%T|%r|%N|%S|%e|%l|%k"
"""What ``squeue --format`` is asked for: the comment last, because it may hold a ``|``.

``scontrol show job`` has the same from the same place, but not for a list of jobs, and
submitit's own watcher asks ``sacct``, which knows nothing where Slurm keeps no accounts.
"""

_NEVER = frozenset(
    {
        "AccountNotAllowed",
        "BadConstraints",
        "DependencyNeverSatisfied",
        "InvalidAccount",
        "InvalidQOS",
        "PartitionNodeLimit",
        "PartitionTimeLimit",
        "QOSNotAllowed",
    }
)
"""Reasons to wait that do not go away by waiting."""


@dataclass(frozen=True)
class Job:
    """One job as it stands.

    Parameters
    ----------
    id
        Its number.
    state
        How it stands.
    reason
        Why it waits or ended, in Slurm's words; empty where Slurm has none.
    node
        Where it runs or ran; empty before.
    start_s, end_s
        In seconds since the epoch; null where they are not known. That of a running job's
        end is its limit.
    limit_s
        How long it may run; null for any time.
    comment
        What whoever submitted it wrote on it.
    """

    id: str
    state: State
    reason: str = ""
    node: str = ""
    start_s: float | None = None
    end_s: float | None = None
    limit_s: int | None = None
    comment: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it neither waits nor runs."""
        return self.state not in _GOING


def is_hopeless(job: Job) -> bool:
    """Whether a job waits for what will not come.

    Examples
    --------
    >>> is_hopeless(Job("7", "pending", "Priority"))
    False
    >>> is_hopeless(Job("7", "pending", "PartitionTimeLimit"))
    True
    """
    return job.state == "pending" and job.reason in _NEVER


def state_of(slurm: str) -> State:
    """Slurm's word for a state in ours; a state that this does not know counts as running.

    Examples
    --------
    >>> state_of("OUT_OF_MEMORY")
    'out of memory'
    >>> state_of("CANCELLED by 1000")  # sacct names who did it
    'cancelled'
    """
    word = (slurm.split() or [""])[0].rstrip("+")
    return _STATES.get(word, "running")


def parsed(text: str) -> Iterator[Job]:
    """The jobs of lines as `FIELDS` orders them; a line that is none is left out.

    Examples
    --------
    >>> line = "7|FAILED|NonZeroExitCode|n0|2026-01-02T03:04:05|2026-01-02T03:04:09|1:00|mine"
    >>> job, = parsed(line)
    >>> job.state, job.node, job.end_s - job.start_s, job.limit_s, job.comment
    ('failed', 'n0', 4.0, 60, 'mine')
    """
    for line in text.splitlines():
        fields = line.strip().split("|", 7)
        if len(fields) == 8 and fields[0].isdigit():
            yield _job(*fields)


def _job(
    number: str,
    state: str,
    reason: str,
    node: str,
    start: str,
    end: str,
    limit: str,
    comment: str,
) -> Job:
    return Job(
        id=number,
        state=state_of(state),
        reason="" if reason in ("None", "(null)") else reason,
        node="" if node.startswith("None") else node,
        start_s=_moment(start),
        end_s=_moment(end),
        limit_s=duration(limit),
        comment="" if comment == "(null)" else comment,
    )


def _moment(text: str) -> float | None:
    """A date of Slurm's, in the zone of this machine; null for ``N/A`` and ``Unknown``."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def duration(text: str) -> int | None:
    """Seconds of ``days-hours:minutes:seconds``, of which the first may be missing; else null.

    Examples
    --------
    >>> duration("1-02:00:05"), duration("5:00"), duration("UNLIMITED")
    (93605, 300, None)
    """
    days, _, clock = text.rpartition("-")
    try:
        parts = [int(part) for part in clock.split(":")]
        whole_days = int(days or 0)
    except ValueError:
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + part
    return 86_400 * whole_days + seconds
