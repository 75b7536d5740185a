"""Columns without pyarrow are those with it: of whole streams, torn ones and damaged ones."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, NULL, SAMPLES, SPANS, Table
from mlbench.store.arrow import to_numpy
from mlbench.store.columns import Columns, column_batches, stored_columns
from mlbench.store.stream import read_batches
from mlbench.store.writer import StreamWriter

pytestmark = pytest.mark.unit

TEXTS = ("", "it broke", "é", "日本")


def written(path: Path, table: Table, batches: int = 3, rows: int = 20) -> Path:
    """A stream of a table with nulls, texts and further parents."""
    random = Random(table.name)
    with closing(StreamWriter(path, table)) as writer:
        for begin in range(0, batches * rows, rows):
            values = [[begin + i, *_row(table, random)] for i in range(rows)]
            texts = {begin + i: random.choice(TEXTS) for i in range(rows) if values[i][-1]}
            links = {begin + i: [1, 2] for i in range(0, rows, 3)}
            writer.write(np.array(values, dtype=np.int64), links=links, texts=texts)
    return path


def _row(table: Table, random: Random) -> list[int]:
    cells = []
    for column in table.columns[1:]:
        if column.kind == "utf8":
            cells.append(random.randrange(2))
        elif column.kind == "float64":
            cells.append(int(np.float64(random.random()).view(np.int64)))
        else:
            null = column.nullable or column.kind == "list<int64>"
            cells.append(random.choice([NULL, 1, 2]) if null else random.randrange(9))
    return cells


Seen = list[tuple[int, dict[str, Any]]]  # Any: numbers as bytes, texts, or lists


def by_pyarrow(path: Path, table: Table) -> Seen:
    """The offset after each batch, and its columns."""
    found = []
    for batch, offset in read_batches(path, table):
        columns: dict[str, Any] = {}
        for column in table.columns:
            values = batch[column.name]
            if column.kind == "utf8":
                columns[column.name] = values.to_pylist()
            elif column.kind == "list<int64>":
                parts = (values.offsets, values.values)
                columns[column.name] = [to_numpy(part).tolist() for part in parts]
            else:
                columns[column.name] = to_numpy(values).tobytes()
        found.append((offset, columns))
    return found


def by_numpy(path: Path, table: Table) -> Seen:
    """The same without pyarrow."""
    found = []
    for batch, offset in column_batches(path, table):
        columns: dict[str, Any] = {}
        for column in table.columns:
            if column.kind == "utf8":
                rows = range(batch.num_rows)
                columns[column.name] = [batch.text(column.name, row) for row in rows]
            elif column.kind == "list<int64>":
                columns[column.name] = [part.tolist() for part in batch.lists(column.name)]
            else:
                columns[column.name] = batch.numbers(column.name).tobytes()
        found.append((offset, columns))
    return found


@pytest.mark.parametrize(
    "table", [DISPATCH, COMPLETIONS, SPANS, EVENTS, SAMPLES], ids=lambda t: t.name
)
def test_whole_batches_are_the_same(tmp_path: Path, table: Table) -> None:
    path = written(tmp_path / "s", table)
    assert by_numpy(path, table) == by_pyarrow(path, table)
    assert len(by_numpy(path, table)) == 3


@pytest.mark.parametrize("table", [COMPLETIONS, SPANS], ids=lambda t: t.name)
def test_a_torn_stream_ends_at_the_same_batch(tmp_path: Path, table: Table) -> None:
    whole = written(tmp_path / "s", table).read_bytes()
    for size in range(0, len(whole), 61):
        (tmp_path / "torn").write_bytes(whole[:size])
        assert by_numpy(tmp_path / "torn", table) == by_pyarrow(tmp_path / "torn", table)


@pytest.mark.parametrize("table", [DISPATCH, COMPLETIONS, SPANS], ids=lambda t: t.name)
def test_a_damaged_stream_is_read_up_to_some_batch_or_as_the_other_reads_it(
    tmp_path: Path, table: Table
) -> None:
    """pyarrow verifies more of a message than what is used of it: one may stop before the other."""
    whole, random = written(tmp_path / "s", table).read_bytes(), Random(5)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 1, 2, 8))):
            damaged[random.randrange(len(damaged))] = random.choice((0, 1, 128, 255))
        (tmp_path / "damaged").write_bytes(damaged)
        mine, other = by_numpy(tmp_path / "damaged", table), by_pyarrow(tmp_path / "damaged", table)
        common = min(len(mine), len(other))
        assert mine[:common] == other[:common]


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "s", DISPATCH)
    (_, first), *others = column_batches(path, DISPATCH)
    assert [offset for _, offset in column_batches(path, DISPATCH, first)] == [
        offset for _, offset in others
    ]


def test_a_text_that_is_no_utf8_ends_the_stream(tmp_path: Path) -> None:
    path = written(tmp_path / "s", COMPLETIONS)
    damaged = path.read_bytes().replace("日本".encode(), b"\xff" * 6)
    path.write_bytes(damaged)
    assert len(by_numpy(path, COMPLETIONS)) == len(by_pyarrow(path, COMPLETIONS)) < 3


def test_no_link_is_followed_and_nothing_is_an_empty_table(tmp_path: Path) -> None:
    written(tmp_path / "s", DISPATCH)
    os.symlink(tmp_path / "s", tmp_path / "link")
    (tmp_path / "empty").touch()
    for name in ("link", "empty", "missing"):
        table = stored_columns(tmp_path / name, DISPATCH).table
        assert len(table) == 0
        assert table.numbers("query").tolist() == []


def columns(tmp_path: Path) -> Columns:
    """A table of three batches of four rows."""
    return stored_columns(written(tmp_path / "s", COMPLETIONS, rows=4), COMPLETIONS).table


def test_a_table_is_all_of_its_batches(tmp_path: Path) -> None:
    table = columns(tmp_path)
    assert table.numbers("query").tolist() == list(range(12))
    assert [chunk.tolist() for chunk in table.chunks("query")] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11],
    ]  # fmt: skip


def test_a_part_of_a_table_is_a_table(tmp_path: Path) -> None:
    table = columns(tmp_path)
    texts = [table.text("error", row) for row in range(12)]

    part = table.slice(3, 6)
    assert part.numbers("query").tolist() == [3, 4, 5, 6, 7, 8]
    assert [part.text("error", row) for row in range(6)] == texts[3:9]

    odd = table.filter(table.numbers("query") % 2 == 1).slice(1, 3)
    assert odd.numbers("query").tolist() == [3, 5, 7]
    assert [chunk.tolist() for chunk in odd.chunks("query")] == [[3, 5, 7]]
    assert [odd.text("error", row) for row in range(3)] == texts[3:9:2]

    assert table.slice(0, 0).numbers("query").tolist() == []


def test_batches_are_cut_and_put_together(tmp_path: Path) -> None:
    table = columns(tmp_path)
    batches = list(table.to_batches(max_chunksize=3))
    assert [batch.num_rows for batch in batches] == [3, 1, 3, 1, 3, 1]
    assert Columns.from_batches(batches).numbers("query").tolist() == list(range(12))
