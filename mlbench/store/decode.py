"""Tables with names where the streams have codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlbench.records import Outcome

__all__ = ["decoded_events", "decoded_samples", "decoded_spans"]

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


def decoded_samples(samples: pa.Table, manifest: Entry) -> pa.Table:
    """Samples with the names of metrics, devices and pipelines, their unit, kind and source."""
    metrics = manifest.get("metrics") or []
    devices = [str(device.get("name")) for device in manifest.get("devices") or []]
    for column in ("unit", "kind", "source"):
        told = [str(metric.get(column)) for metric in metrics]
        samples = _named(samples.append_column(column, samples["metric"]), column, told)
    for column, names in (
        ("metric", [str(metric.get("name")) for metric in metrics]),
        ("device", devices),
        ("pipeline", list(manifest.get("pipelines") or ())),
    ):
        samples = _named(samples, column, names)
    return samples


def _named(table: pa.Table, column: str, names: Sequence[str]) -> pa.Table:
    """The column as a dictionary of names; a code without a name is null."""
    codes = table[column].combine_chunks()
    known = pc.and_(pc.greater_equal(codes, 0), pc.less(codes, len(names)))
    codes = pc.if_else(known, codes, pa.scalar(None, pa.int32()))
    different = list(dict.fromkeys(names))
    if len(different) < len(names):  # several codes may have one name
        codes = pa.array([different.index(name) for name in names], pa.int32()).take(codes)
    named = pa.DictionaryArray.from_arrays(codes, pa.array(different, pa.utf8()))
    return table.set_column(table.schema.get_field_index(column), column, named)
