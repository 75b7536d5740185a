"""What a figure is made from: a run, or a study, as arrays by pipeline and side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from mlbench.errors import FigureError, nearest
from mlbench.figures.palette import Look, looks
from mlbench.figures.study import blocks_words
from mlbench.study.words import listed

if TYPE_CHECKING:
    from mlbench.analysis.queries import Queries
    from mlbench.analysis.record import Record
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["Observed", "Side", "Source", "source_of"]

Side = Literal["isolated", "collocated"]
NO_BLOCK = "no block in which both runs of a pipeline are VALID"
SIDES: tuple[Side, ...] = ("isolated", "collocated")


@dataclass(frozen=True)
class Observed:
    """One pipeline in one run.

    Parameters
    ----------
    side
        Isolated or collocated; a plain run is collocated, however many pipelines it has.
    block
        Of the study, 0 in a plain run.
    """

    record: Record
    pipeline: str
    side: Side
    block: int = 0

    @cached_property
    def queries(self) -> Queries:
        """Its queries, warm-up left out."""
        from mlbench.analysis.queries import queries_of

        return queries_of(self.record, self.pipeline)

    @cached_property
    def is_saturated(self) -> bool:
        """Whether its backlog grew through the window."""
        from mlbench.analysis.saturation import saturation

        return bool(saturation(self.record, self.pipeline, self.queries).saturated)


@dataclass(frozen=True)
class Source:
    """Runs that belong together.

    Parameters
    ----------
    id, kind
        Name of the directory, and ``run`` or ``study``.
    names
        All pipelines of the benchmark, in its order: they fix the looks.
    observed
        Each pipeline in each run.
    record
        Of a run, its tables.
    blocks
        Of a study, how many blocks are drawn, in words.
    collocated
        The names of the collocated treatments of a study; ``treatment`` is the one that
        ``observed`` has.
    """

    id: str
    kind: Literal["run", "study"]
    names: tuple[str, ...]
    observed: tuple[Observed, ...]
    spec_hash: str
    record: Record | None = None
    blocks: str = ""
    collocated: tuple[str, ...] = ()
    treatment: str | None = None

    @property
    def chosen(self) -> str:
        """For a caption, which of several collocated treatments is drawn; else empty."""
        if len(self.collocated) < 2:
            return ""
        return f" Collocated: {self.treatment}, one of {len(self.collocated)} treatments."

    @cached_property
    def saturated(self) -> tuple[tuple[str, Side], ...]:
        """Pipelines and sides whose backlog grew in a run that is drawn."""
        found = ((o.pipeline, o.side) for o in self.observed if o.is_saturated)
        return tuple(dict.fromkeys(found))

    @property
    def growing(self) -> str:
        """For a caption, what was saturated; else empty."""
        if not self.saturated:
            return ""
        both = self.kind == "study"
        told = [f"{name} {side}" if both else name for name, side in self.saturated]
        return f" Saturated: {listed(told)}; latency then depends on how long one looked."

    @property
    def looks(self) -> dict[str, Look]:
        """The look of each pipeline."""
        return looks(self.names)

    def of(self, pipeline: str, side: Side) -> list[Observed]:
        """One pipeline on one side, block by block."""
        return [each for each in self.observed if (each.pipeline, each.side) == (pipeline, side)]

    def present(self) -> list[str]:
        """The pipelines that ran, in the order of the benchmark."""
        ran = {each.pipeline for each in self.observed}
        return [name for name in self.names if name in ran]

    def sides(self) -> list[Side]:
        """The sides that there are."""
        found = {each.side for each in self.observed}
        return [side for side in SIDES if side in found]


def source_of(
    thing: Any, what: str, empty: bool = False, treatment: str | None = None
) -> Source:  # Any: whatever a user hands over
    """The source behind a run or a study.

    Parameters
    ----------
    what
        The figure that asks, for the message.
    empty
        Whether a run without pipelines will do.
    treatment
        Of a study, which collocated one; default the last, which in a group is the only one
        and on a dial the farthest.

    Raises
    ------
    FigureError
        If it is neither, has no pipelines, or no such treatment.
    """
    from mlbench.run import Run
    from mlbench.study.study import Study

    if isinstance(thing, Run):
        source = _of_run(thing)
    elif isinstance(thing, Study):
        source = _of_study(thing, what, treatment)
    else:
        raise FigureError(
            f"{what} needs a run or a study, got {type(thing).__name__}: mlbench.open_run(path)"
        )
    if not source.observed and not empty:
        none = "no pipelines" if source.kind == "run" else NO_BLOCK
        raise FigureError(
            f"{what}: the {source.kind} {source.id} has {none} to draw: "
            f"`mlbench show {thing.path}` says why"
        )
    return source


def _of_run(run: Run) -> Source:
    record = run.record()
    observed = tuple(Observed(record, name, "collocated") for name in record.names)
    names = tuple(record.bench.pipelines)
    return Source(run.id, "run", names, observed, run.request.spec_hash, record)


def _of_study(study: Study, what: str, treatment: str | None) -> Source:
    manifest = study.manifest
    collocated = tuple(each.name for each in manifest.treatments if each.role == "collocated")
    if treatment is not None and treatment not in collocated:
        raise FigureError(
            f"{what}: {study.id} has no collocated treatment {treatment!r} "
            f"({nearest(treatment, collocated)})"
        )
    chosen = treatment or next(reversed(collocated), None)
    return Source(
        study.id,
        "study",
        tuple(manifest.spec.pipelines),
        tuple(_observed_in(study, chosen)) if chosen else (),
        manifest.spec_hash,
        blocks=blocks_words(study, chosen),
        collocated=collocated,
        treatment=chosen,
    )


def _observed_in(study: Study, treatment: str) -> Iterator[Observed]:
    """Each pipeline of a collocated treatment, alone and in it, in the blocks of the tables.

    Queries of different treatments are never mixed: beside each neighbour a pipeline has
    another distribution.
    """
    from mlbench.study.block import reference_of
    from mlbench.study.results import used_blocks

    manifest, blocks = study.manifest, study.blocks()

    @cache
    def record_of(block: int, name: str) -> Record:
        return study.run(block, name).record()

    for pipeline in manifest.treatment(treatment).pipelines:
        reference = reference_of(manifest, pipeline)
        if reference is None:  # it is only what the others are measured beside
            continue
        for block in used_blocks(blocks, treatment, pipeline):
            yield Observed(record_of(block, reference.name), pipeline, "isolated", block)
            yield Observed(record_of(block, treatment), pipeline, "collocated", block)
