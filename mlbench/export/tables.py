"""Tables of a run or a study as CSV and Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mlbench.run import Run

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["write_csv", "write_parquet"]

OF_RUN = ("queries", "spans", "events", "samples")
OF_STUDY = ("runs", "slowdown", "stages", "added", "together", "queries")


def write_csv(source: Run | Study, directory: Path) -> list[Path]:
    """A CSV file for each table, UTF-8; lists are JSON, nulls are empty.

    A table without rows is written, too: its columns say what would be there.
    """
    written = []
    for name, table in _tables(source):
        path = directory / f"{name}.csv"
        _flat(table).to_csv(path, index=False)
        written.append(path)
    return written


def write_parquet(source: Run | Study, directory: Path) -> list[Path]:
    """A Parquet file for each table, compressed with zstd."""
    written = []
    for name, table in _tables(source):
        path = directory / f"{name}.parquet"
        table.to_parquet(path, index=False, compression="zstd")
        written.append(path)
    return written


def _tables(source: Run | Study) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in OF_RUN if isinstance(source, Run) else OF_STUDY:
        yield name, getattr(source, name)()
    if isinstance(source, Run):
        outputs = source.outputs()
        yield "outputs", outputs.assign(output=[json.dumps(each) for each in outputs["output"]])


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with lists as JSON."""
    texts = [name for name in table.columns if table[name].dtype == object]
    nested = [name for name in texts if any(map(_is_list, table[name]))]
    flat: pd.DataFrame = table.assign(**{name: table[name].map(_as_json) for name in nested})
    return flat


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple) or type(value).__name__ == "ndarray"


def _as_json(value: object) -> object:
    if not _is_list(value):
        return value
    return json.dumps([each.item() if hasattr(each, "item") else each for each in value])  # type: ignore[attr-defined]  # `_is_list`
