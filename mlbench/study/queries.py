"""Queries of a study in pairs: the same query isolated and collocated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import nullable
from mlbench.analysis.pairs import pairs_of
from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.records import NULL
from mlbench.run import Run
from mlbench.study.block import reference_of
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import StudyReader, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["paired_queries"]

SCHEMA = pa.schema(
    [
        ("treatment", pa.dictionary(pa.int32(), pa.utf8())),
        ("pipeline", pa.dictionary(pa.int32(), pa.utf8())),
        ("block", pa.int64()),
        ("query", pa.int64()),
        ("isolated_ns", pa.int64()),
        ("collocated_ns", pa.int64()),
        ("ratio", pa.float64()),
    ]
)


def paired_queries(reader: StudyReader, manifest: StudyManifest) -> pd.DataFrame:
    """The pairs of all blocks; see `mlbench.study.study.Study.queries`."""
    import pandas as pd

    tables = list(_tables(reader, manifest))
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()
    integers = {pa.int64(): pd.Int64Dtype()}
    frame: pd.DataFrame = whole.to_pandas(types_mapper=integers.get)
    return frame


def _tables(reader: StudyReader, manifest: StudyManifest) -> Iterator[pa.Table]:
    runs = counted(manifest)
    for treatment in manifest.treatments:
        if treatment.role != "collocated":
            continue
        for block in sorted({number for number, name in runs if name == treatment.name}):
            together = Run(reader.run_path(runs[block, treatment.name])).record(spans=False)
            for pipeline in treatment.pipelines:
                reference = reference_of(manifest, pipeline)
                entry = runs.get((block, reference.name)) if reference else None
                if entry is not None:
                    sides = Run(reader.run_path(entry)).record(spans=False), together
                    if all(pipeline in side.names for side in sides):
                        yield _table(treatment.name, pipeline, block, sides)


def _table(treatment: str, pipeline: str, block: int, sides: tuple[Record, Record]) -> pa.Table:
    alone, together = (queries_of(record, pipeline) for record in sides)
    pairs = pairs_of(alone, together)
    isolated, collocated = alone.latency_ns[pairs.isolated], together.latency_ns[pairs.collocated]
    known = (isolated != NULL) & (collocated != NULL) & (isolated > 0)
    ratio = np.divide(collocated, isolated, where=known, out=np.ones(known.size))
    names = (pa.array([name]).dictionary_encode() for name in (treatment, pipeline))
    labels = [pa.DictionaryArray.from_arrays(_zeros(known.size), n.dictionary) for n in names]
    numbers = [np.full(known.size, block), alone.query[pairs.isolated]]
    times = [nullable(isolated), nullable(collocated), pa.array(ratio, mask=~known)]
    return pa.table([*labels, *numbers, *times], schema=SCHEMA)


def _zeros(count: int) -> pa.Array:
    return pa.array(np.zeros(count, dtype=np.int32))
