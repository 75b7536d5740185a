"""What a job asks of the cluster: named options, and any other that sbatch knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlbench.errors import OutputError
from mlbench.store.layout import read_json, write_json

__all__ = ["FOLDER", "GRACE_S", "Options", "kept", "minutes"]

FOLDER = "slurm"
"""In the directory of a sweep: scripts and logs of its jobs, the ledger of them, the options."""

NAME = "options.json"

GRACE_S = 30
"""Between the signal at which a block ends cleanly and the end of its time."""

OVERHEAD_S = 120
"""Of a job, on top of what its points may take: to start and to import, and because Slurm may
send the signal a minute early."""

MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")

RESERVED = frozenset(
    {"array", "chdir", "comment", "error", "nodes", "ntasks", "ntasks-per-node", "output", "wrap"}
)
"""Options of sbatch that a sweep sets itself: a block has one node, and is found again."""


class Options(BaseModel):
    """The resources of each job of a sweep.

    Parameters
    ----------
    partition, account, qos, constraint, gres
        As sbatch takes them.
    time
        The limit of a job, as sbatch takes it; by default what its points may take.
    exclusive
        Whether a job has its node to itself. Only then does nobody else disturb what it
        measures.
    more
        Other options of sbatch, by name; an empty value gives a flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gres: str | None = None
    time: str | None = None
    exclusive: bool = True
    more: Mapping[str, str] = Field(default_factory=dict)

    def reserved(self) -> list[str]:
        """Those of ``more`` that a sweep sets itself."""
        return [name for name in self.more if name.replace("_", "-").lstrip("-") in RESERVED]

    def parameters(self, limit_minutes: int) -> dict[str, Any]:  # Any: what submitit takes
        """What submitit is told.

        Parameters
        ----------
        limit_minutes
            The limit of the job, if ``time`` does not say.
        """
        plain = ("partition", "account", "qos", "constraint", "gres")
        told = {name: getattr(self, name) for name in plain if getattr(self, name) is not None}
        more = {name.replace("-", "_").lstrip("_"): text for name, text in self.more.items()}
        if self.exclusive and not any(name in more for name in MEMORY):
            more["mem"] = "0"  # else an exclusive job has all of a node but its memory
        return {
            **told,
            "time": self.time or limit_minutes,
            "exclusive": self.exclusive or None,
            "additional_parameters": {
                "signal": f"TERM@{GRACE_S}",
                "no_requeue": True,  # a block whose node died is told, and made again when asked
                **{name: text or True for name, text in more.items()},
            },
        }


def minutes(seconds: float, longest_s: float | None = None) -> int:
    """The limit of a job whose points may take so many seconds, in whole minutes.

    Parameters
    ----------
    longest_s
        The longest that there is; null for any.

    Examples
    --------
    >>> minutes(30), minutes(3600), minutes(3600, longest_s=1800)
    (3, 63, 30)
    """
    wanted = math.ceil((seconds + GRACE_S + OVERHEAD_S) / 60)
    return wanted if longest_s is None else max(1, min(wanted, int(longest_s // 60)))


def kept(sweep: Path, options: Options | None) -> Options:
    """The options of a sweep: those that are given, else those that it had before.

    Raises
    ------
    OutputError
        If they cannot be written down for the next time.
    """
    path = sweep / FOLDER / NAME
    if options is None:
        try:
            return Options.model_validate(read_json(path) or {})
        except ValidationError:  # of another version
            return Options()
    try:
        path.parent.mkdir(exist_ok=True)
        write_json(path, options.model_dump(mode="json"))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return options
