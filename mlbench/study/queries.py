"""Queries of a study in pairs: the same query isolated and collocated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import nullable
from mlbench.analysis.pairs import pairs_of
from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.records import NULL
from mlbench.run import Run
from mlbench.study.block import Block, reference_of
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import StudyReader
from mlbench.study.results import used_blocks

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
        ("valid", pa.bool_()),
    ]
)


def paired_queries(
    reader: StudyReader, manifest: StudyManifest, blocks: Sequence[Block]
) -> pd.DataFrame:
    """The pairs of the blocks that numbers are made of; see `mlbench.study.study.Study.queries`."""
    import pandas as pd

    tables = list(_tables(reader, manifest, blocks))
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()
    integers = {pa.int64(): pd.Int64Dtype()}
    frame: pd.DataFrame = whole.to_pandas(types_mapper=integers.get)
    return frame


def _tables(
    reader: StudyReader, manifest: StudyManifest, blocks: Sequence[Block]
) -> Iterator[pa.Table]:
    for treatment in manifest.treatments:
        if treatment.role == "collocated":
            used = {name: used_blocks(blocks, treatment.name, name) for name in treatment.pipelines}
            for block in blocks:
                valid = {
                    n: each[block.number].valid for n, each in used.items() if block.number in each
                }
                if valid:
                    yield from _block(reader, manifest, block, treatment.name, valid)


def _block(
    reader: StudyReader,
    manifest: StudyManifest,
    block: Block,
    treatment: str,
    valid: Mapping[str, bool],
) -> Iterator[pa.Table]:
    """The pairs of those pipelines of one collocated run; its tables are read once."""
    together = Run(reader.run_path(block.runs[treatment].entry)).record(spans=False)
    for pipeline, is_valid in valid.items():
        reference = reference_of(manifest, pipeline)
        if reference is not None:
            entry = block.runs[reference.name].entry
            sides = Run(reader.run_path(entry)).record(spans=False), together
            yield _table((treatment, pipeline), block.number, sides, is_valid)


def _table(
    place: tuple[str, str], block: int, sides: tuple[Record, Record], valid: bool
) -> pa.Table:
    """The pairs of one pipeline in one block.

    Parameters
    ----------
    place
        Treatment and pipeline.
    """
    alone, together = (queries_of(record, place[1]) for record in sides)
    pairs = pairs_of(alone, together)
    isolated, collocated = alone.latency_ns[pairs.isolated], together.latency_ns[pairs.collocated]
    known = (isolated != NULL) & (collocated != NULL) & (isolated > 0)
    ratio = np.divide(collocated, isolated, where=known, out=np.ones(known.size))
    names = (pa.array([name]).dictionary_encode() for name in place)
    labels = [pa.DictionaryArray.from_arrays(_zeros(known.size), n.dictionary) for n in names]
    numbers = [np.full(known.size, block), alone.query[pairs.isolated]]
    times = [nullable(isolated), nullable(collocated), pa.array(ratio, mask=~known)]
    return pa.table([*labels, *numbers, *times, np.full(known.size, valid)], schema=SCHEMA)


def _zeros(count: int) -> pa.Array:
    return pa.array(np.zeros(count, dtype=np.int32))
