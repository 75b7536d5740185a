"""Tables with names where the streams have codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlbench.records import Outcome

__all__ = ["decoded_events", "decoded_spans"]

Entry = Mapping[str, Any]
"""What the manifest says of one pipeline; Any: JSON."""

OUTCOMES = [outcome.name.lower() for outcome in Outcome]


def decoded_spans(spans: pa.Table, entry: Entry) -> pa.Table:
    """Spans with the names of stages, outcomes and routes."""
    for column, names in (
        ("stage", entry["stages"]),
        ("outcome", OUTCOMES),
        ("route", entry["routes"]),
    ):
        spans = _named(spans, column, names)
    return spans


def decoded_events(events: pa.Table, entry: Entry) -> pa.Table:
    """Events with their names."""
    return _named(events, "name", entry["events"])


def _named(table: pa.Table, column: str, names: Sequence[str]) -> pa.Table:
    """The column as a dictionary of names; a code without a name is null."""
    codes = table[column].combine_chunks()
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(names)))
    codes = pc.if_else(known, codes, pa.scalar(None, pa.int32()))
    named = pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.utf8()))
    return table.set_column(table.schema.get_field_index(column), column, named)
