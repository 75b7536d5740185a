"""Where things stand in the directory of a sweep, and the schema of its ``plan.json``.

.. code-block:: text

    SWEEP_ID/
      plan.json                this schema, written once, before anything starts
      source.ipynb             or source.yml: the target as the points execute it
      results.parquet          the tidy table, when all blocks are finished
      blocks/BLOCK.lock        held by the process that executes the block
      blocks/BLOCK.log         what that process said
      blocks/BLOCK.note        whom it waits for, while it does
      points/POINT/            appears when the point begins
        state.json             see `mlbench.sweep.state`
        notebook.ipynb         with its outputs, as far as it came
        log.txt                standard output and error of what executes the point
        recorded.json          values of ``mb.record``
        runs/                  run directories and studies
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlbench.store.document import read_document
from mlbench.store.kind import PLAN
from mlbench.sweep.plan import Kind, Plan

__all__ = [
    "FORMAT",
    "LOG",
    "NOTEBOOK",
    "RECORDED",
    "RESULTS",
    "RUNS",
    "STATE",
    "Block",
    "Point",
    "SweepManifest",
    "block_lock",
    "block_log",
    "block_note",
    "point_directory",
    "read_plan",
    "source_of",
]

FORMAT = 1
"""Version of the sweep directory. History:

1. The first.
"""

STATE = "state.json"
NOTEBOOK = "notebook.ipynb"
LOG = "log.txt"
RECORDED = "recorded.json"
RUNS = "runs"
RESULTS = "results.parquet"

Id = Annotated[str, Field(pattern=r"^[\w-]{1,80}$")]
"""Of a point or a block: the name of a file."""


class Entry(BaseModel):
    """A part of ``plan.json``: frozen; keys that a reader does not know are left alone."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class Point(Entry):
    """One execution: a set of parameters in one repeat.

    Parameters
    ----------
    id
        Combination, repeat and the beginning of its identity: ``00012-r1-3f9a2b1c``.
    block
        The block that it belongs to.
    combination
        Index of its set of parameters.
    parameters
        By name, plain data.
    seed
        Of the plan, the repeat and nothing else: repeats differ, points of one do not.
    identity
        Hash of source, parameters, versions, placement and repeat.
    """

    id: Id
    block: Id
    combination: int = Field(ge=0)
    repeat: int = Field(ge=0)
    parameters: dict[str, Any] = {}  # Any: plain data
    seed: int = Field(ge=0, lt=2**63)
    identity: str


class Block(Entry):
    """What is executed on one machine: points, in the order of their execution."""

    id: Id
    repeat: int = Field(ge=0)
    points: tuple[Id, ...] = Field(min_length=1)


class SweepManifest(Entry):
    """``plan.json``.

    Parameters
    ----------
    title
        The name of the plan.
    kind
        What a point is: ``notebook``, ``study`` or ``run``.
    plan
        As it was given, with paths made absolute.
    folder
        Where notebooks are executed: that of the target.
    blocks, points
        All of them, in order.
    skipped
        How many combinations a condition has left out.
    versions
        What the identity of all points has in common: hash of the target's source and of
        the code that it names, mlbench's version, the commit.
    created
        Wall clock, seconds since 1970.
    """

    format: Literal[1] = 1
    title: str
    kind: Kind
    plan: Plan
    folder: str
    blocks: tuple[Block, ...]
    points: tuple[Point, ...]
    skipped: int = 0
    versions: dict[str, Any] = {}  # Any: JSON
    created: float = 0.0

    def block(self, block: str) -> Block:
        """The block of that id.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {each.id: each for each in self.blocks}[block]

    def points_of(self, block: str) -> tuple[Point, ...]:
        """The points of a block, in the order of their execution."""
        by_id = {each.id: each for each in self.points if each.block == block}
        return tuple(by_id[name] for name in self.block(block).points)


def read_plan(directory: Path) -> SweepManifest:
    """What ``plan.json`` says.

    Raises
    ------
    NotARunError
        If there is none, it is damaged, or of a later format.
    """
    return read_document(directory / PLAN, "sweep", FORMAT, SweepManifest.model_validate)


def source_of(directory: Path, kind: Kind) -> Path:
    """The target as the points execute it."""
    return directory / ("source.ipynb" if kind == "notebook" else "source.yml")


def point_directory(directory: Path, point: str) -> Path:
    """Everything of one point."""
    return directory / "points" / point


def block_lock(directory: Path, block: str) -> Path:
    """Held by the process that executes the block."""
    return directory / "blocks" / f"{block}.lock"


def block_log(directory: Path, block: str) -> Path:
    """What the process that executes the block said."""
    return directory / "blocks" / f"{block}.log"


def block_note(directory: Path, block: str) -> Path:
    """Whom the process that executes the block waits for, while it does."""
    return directory / "blocks" / f"{block}.note"
