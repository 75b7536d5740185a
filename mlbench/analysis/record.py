"""A record: what one run directory says, as tables in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mlbench.analysis.arrays import Tabular, column, selected
from mlbench.analysis.pieces import Pieces, keep
from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, NULL, SPANS, Table
from mlbench.spec import Benchmark

__all__ = ["ENDED", "Record", "empty"]

ENDED = frozenset({"done", "failed", "stopped", "aborted"})
"""The statuses of a run, or of a pipeline, in which nothing is recorded any more.

A run never writes ``aborted``: who reads it and finds its engine gone puts it there.
"""

WRITTEN_NS = 1_000_000_000
"""After this time all rows of a pipeline that has ended are written: a batch waits 250 ms."""


def empty(table: Table) -> Tabular:
    """A table of the run directory without rows."""
    import pyarrow as pa

    kinds = {"utf8": pa.utf8(), "list<int64>": pa.list_(pa.int64())}
    fields = [(c.name, kinds.get(c.kind) or pa.type_for_alias(c.kind)) for c in table.columns]
    return pa.schema(fields).empty_table()


@dataclass(frozen=True)
class Record:
    """One run: its manifest, its spec and its tables, whole or as far as they have come.

    Parameters
    ----------
    manifest
        ``run.json``; its status is ``aborted`` where the reader found no engine.
    bench
        The spec that was run.
    dispatch
        `DISPATCH` of all open loads; ``pipeline`` counts in the manifest's order.
    completions, spans, events
        By pipeline, `COMPLETIONS`, `SPANS` and `EVENTS`; one that is not there is empty.
    release
        Gives the memory of what was read of the tables back, where they lie in files.
    """

    manifest: Mapping[str, Any]  # Any: JSON
    bench: Benchmark
    dispatch: Tabular = field(default_factory=lambda: empty(DISPATCH))
    completions: Mapping[str, Tabular] = field(default_factory=dict)
    spans: Mapping[str, Tabular] = field(default_factory=dict)
    events: Mapping[str, Tabular] = field(default_factory=dict)
    release: Callable[[], None] = keep

    @property
    def status(self) -> str:
        """The status of the run."""
        return str(self.manifest.get("status", "setup"))

    @property
    def names(self) -> tuple[str, ...]:
        """The pipelines that run, in the order of the manifest."""
        return tuple(self.manifest.get("pipelines") or ())

    def pipeline(self, name: str) -> Mapping[str, Any]:  # Any: JSON
        """What the manifest says of one pipeline."""
        found: Mapping[str, Any] = self.manifest["pipelines"][name]
        return found

    def ended(self, name: str) -> bool:
        """Whether nothing more will be recorded of this pipeline.

        While the run goes on, its last rows may be on their way for a moment after its end.
        """
        if self.status in ENDED:
            return True
        entry = self.pipeline(name)
        ended_ns = entry.get("ended_ns")
        written = ended_ns is None or self.latest_ns > ended_ns + WRITTEN_NS
        return entry.get("status") in ENDED and written

    def is_open(self, name: str) -> bool:
        """Whether the pipeline's load is open: due times that wait for nothing."""
        load = self.pipeline(name).get("load") or {}
        return bool(load.get("kind") == "open")

    def is_offline(self, name: str) -> bool:
        """Whether all queries are due at once: lateness and backlog then say nothing."""
        load = self.pipeline(name).get("load") or {}
        return bool(load.get("until_last_completion"))

    def ran_out(self, name: str) -> bool:
        """Whether the load itself had no further query, before any stop rule ended it."""
        load = self.pipeline(name).get("load") or {}
        return load.get("ended") == "finite"

    def dispatched(self, name: str) -> Tabular:
        """The rows of `dispatch` that belong to one pipeline."""
        codes = column(self.dispatch, "pipeline")
        return selected(self.dispatch, codes == self.names.index(name))

    def completed(self, name: str) -> Tabular:
        """The completions of one pipeline."""
        found = self.completions.get(name)
        return empty(COMPLETIONS) if found is None else found

    def spanned(self, name: str) -> Tabular:
        """The spans of one pipeline."""
        found = self.spans.get(name)
        return empty(SPANS) if found is None else found

    def pieces(self, name: str) -> Pieces:
        """The same, piece by piece."""
        return Pieces(self.spanned(name), self.release)

    def happened(self, name: str) -> Tabular:
        """The events of one pipeline."""
        found = self.events.get(name)
        return empty(EVENTS) if found is None else found

    @cached_property
    def latest_ns(self) -> int:
        """The last instant that any table knows of: the present, for a run that goes on."""
        latest = _greatest(self.dispatch, "sent")
        for name in self.names:
            latest = max(latest, _greatest(self.completed(name), "done"))
            latest = max([latest, *(_greatest(piece, "end") for piece in self.pieces(name))])
        return latest


def _greatest(table: Tabular, name: str) -> int:
    return int(column(table, name).max(initial=NULL))
