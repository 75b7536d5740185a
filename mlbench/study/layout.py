"""A study on disk: where things stand in its directory, and the schema of ``study.json``.

.. code-block:: text

    STUDY_ID/
      study.json                        this schema, replaced as a whole after every run
      blocks/BBB/TREATMENT-ATTEMPT/     each a run directory

Whoever makes a study writes a `StudyManifest`; whoever looks at it reads one. Keys that a
reader does not know are kept and left alone.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mlbench.spec import Benchmark, Window
from mlbench.store.manifest import Identity, Text

__all__ = [
    "BLOCKS",
    "FIRST",
    "FORMAT",
    "SECOND",
    "STUDY_STATUSES",
    "TOGETHER",
    "CapacityEntry",
    "DesignEntry",
    "RunEntry",
    "StudyManifest",
    "Treatment",
    "against",
    "alone",
    "pair",
    "run_directory",
]

FORMAT = 1
"""Version of the study directory. History:

1. The first.
"""

BLOCKS = "blocks"

STUDY_STATUSES = ("going", "done", "stopped", "failed")
"""What a study says of itself; a reader finds ``aborted`` where one going has no process."""

TOGETHER = "together"
FIRST, SECOND = "aa-1", "aa-2"
"""The treatments of an A/A study: one pipeline, twice. The first stands for isolated.

With several pipelines each has two of its own, ``aa-1-NAME`` and ``aa-2-NAME``.
"""

Kind = Literal["group", "pairs", "against", "aa"]
Role = Literal["isolated", "collocated", "capacity"]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f/]{1,255}$")]

YEAR_3000_S = 32_503_680_000.0
"""Seconds from 1970 to 3000: a calendar ends in 9999, and a clock that says so is broken."""


def alone(name: str) -> str:
    """The treatment of one pipeline isolated.

    Examples
    --------
    >>> alone("rag"), pair("rag", "train"), against("train", 0.5)
    ('alone-rag', 'pair-rag-train', 'against-train-0.50')
    """
    return f"alone-{name}"


def pair(first: str, second: str) -> str:
    """The treatment of two pipelines together, in the order of the spec."""
    return f"pair-{first}-{second}"


def against(name: str, dial: float) -> str:
    """The treatment beside the co-tenant ``name`` whose dial stands at ``dial``."""
    return f"against-{name}-{dial:.2f}"


def run_directory(block: int, treatment: str, attempt: int) -> str:
    """Where the run of a treatment stands, relative to the study.

    What a file system may not take in a treatment's name is replaced by ``_``.

    Examples
    --------
    >>> run_directory(3, "alone-rag", 0)
    'blocks/003/alone-rag-0'
    """
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in treatment)
    return f"{BLOCKS}/{block:03d}/{safe}-{attempt}"


class Entry(BaseModel):
    """A part of the manifest: frozen, of exact types."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class DesignEntry(Entry):
    """What is compared with what.

    Parameters
    ----------
    kind
        ``group``: each alone, and all together. ``pairs``: each alone, and every two.
        ``against``: each alone, and beside a co-tenant at several dials. ``aa``: the same
        twice, which shows what the method itself adds.

    Whatever else the design has to say stands beside it.
    """

    kind: Kind


class CapacityEntry(Entry):
    """The highest rate that a pipeline keeps up with alone, queries/s, and how it was found."""

    rate: Rate
    how: Text


class Treatment(Entry):
    """A set of pipelines that runs together, once in every block.

    Parameters
    ----------
    name
        Unique in the study.
    pipelines
        Those that run.
    role
        ``isolated`` is what the others are compared with: each pipeline stands in one such
        treatment (in an A/A study in ``aa-1``, while ``aa-2`` is ``collocated``).
        ``capacity`` is compared with nothing.
    dial
        Where the dial of the co-tenant of an ``against`` treatment stands.
    """

    name: Name
    pipelines: tuple[Name, ...] = Field(min_length=1)
    role: Role
    dial: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class RunEntry(Entry):
    """One run of a treatment, planned, going or ended.

    Parameters
    ----------
    attempt
        0 for the first; of those that are VALID the last one counts, without any the last.
    directory
        `run_directory`: two folders below ``blocks``, relative to the study.
    verdict, reasons
        Of the run by itself, null until it has ended.
    status
        ``planned``, or the status of the run.
    disturbed
        Whether it is INVALID for causes outside of the pipelines alone: only then it was
        made again.
    """

    block: Count
    treatment: Name
    attempt: Count
    directory: Text
    verdict: Literal["VALID", "INVALID"] | None = None
    reasons: tuple[Text, ...] = ()
    status: Text = "planned"
    disturbed: bool = False

    @field_validator("directory")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = PurePosixPath(value).parts
        if len(parts) != 3 or parts[0] != BLOCKS or ".." in parts or "\\" in value:
            raise ValueError("expected blocks/BBB/TREATMENT-ATTEMPT")
        return value


class StudyManifest(Entry):
    """``study.json``.

    Parameters
    ----------
    spec
        The benchmark with all defaults filled in.
    repeats
        Blocks that are planned.
    window
        What every run measures.
    runs
        In the order in which they were made, planned ones last.
    status
        One of `STUDY_STATUSES`; ``failed`` if the study itself could not go on.
    process
        Whoever makes the study (`mlbench.store.process.process_identity`), while it goes on.
    created
        Wall clock, seconds since 1970.
    environment
        The machine's fingerprint.
    mlbench
        The version that made it.
    """

    format: Literal[1] = 1
    spec: Benchmark
    seed: int = Field(ge=0, lt=2**63)
    design: DesignEntry
    repeats: Count
    window: Window
    capacity: dict[Name, CapacityEntry] = {}
    treatments: tuple[Treatment, ...] = Field(min_length=1)
    runs: tuple[RunEntry, ...] = ()
    status: Literal["going", "done", "stopped", "failed"] = "going"
    reasons: tuple[Text, ...] = ()
    process: Identity | None = None
    environment: dict[str, Any] = {}  # Any: shown as it is
    spec_hash: Text = ""
    created: float = Field(default=0.0, ge=0, lt=YEAR_3000_S, allow_inf_nan=False)
    mlbench: Text = ""

    @field_validator("treatments")
    @classmethod
    def _distinct(cls, value: tuple[Treatment, ...]) -> tuple[Treatment, ...]:
        names = Counter(each.name for each in value)
        if twice := next((name for name, count in names.items() if count > 1), None):
            raise ValueError(f"two treatments are called {twice!r}")
        return value

    @model_validator(mode="after")
    def _known(self) -> StudyManifest:
        known = {each.name for each in self.treatments}
        for run in self.runs:
            if run.treatment not in known:
                names = ", ".join(sorted(known))
                raise ValueError(
                    f"runs: {run.directory} is of the treatment {run.treatment!r}, "
                    f"and there is only: {names}"
                )
        return self

    def complete(self) -> dict[str, Any]:  # Any: JSON
        """The whole as plain data, for `mlbench.store.layout.write_json`."""
        return self.model_dump(mode="json", by_alias=True)

    def treatment(self, name: str) -> Treatment:
        """The treatment of that name.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {each.name: each for each in self.treatments}[name]
