"""A stream gives back what was written, batch by batch, and never more than is whole."""

from __future__ import annotations

import errno
import io
import os
from contextlib import closing
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, NULL, SPANS, Table
from mlbench.store.arrow import to_numpy
from mlbench.store.stream import read_batches, read_stored, read_table, schema_of
from mlbench.store.writer import StreamWriter

pytestmark = pytest.mark.unit

ROWS = np.arange(20, dtype=np.int64).reshape(4, 5)


def write(path: Path, *batches: np.ndarray, table: Table = DISPATCH) -> Path:
    """A stream with these batches."""
    with closing(StreamWriter(path, table)) as writer:
        for batch in batches:
            writer.write(batch)
    return path


def ends(path: Path) -> list[int]:
    """The offset after each batch."""
    return [offset for _, offset in read_batches(path, DISPATCH)]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "s", ROWS, ROWS + 100)
    assert read_table(path, DISPATCH)["query"].to_pylist() == [0, 5, 10, 15, 100, 105, 110, 115]
    assert read_table(path, DISPATCH).schema == schema_of(DISPATCH)


def test_any_arrow_reader_can_read_it(tmp_path: Path) -> None:
    path = write(tmp_path / "s", ROWS, ROWS)
    with pa.OSFile(str(path)) as file:
        assert pa.ipc.open_stream(file).read_all() == read_table(path, DISPATCH)


def test_a_stream_is_readable_while_it_is_written(tmp_path: Path) -> None:
    with closing(StreamWriter(tmp_path / "s", DISPATCH)) as writer:
        assert len(read_table(tmp_path / "s", DISPATCH)) == 0
        writer.write(ROWS)
        assert len(read_table(tmp_path / "s", DISPATCH)) == 4


def test_null_is_null_and_never_a_number(tmp_path: Path) -> None:
    row = np.zeros((2, len(COMPLETIONS.columns)), dtype=np.int64)
    row[0, COMPLETIONS.names.index("started")] = NULL
    path = write(tmp_path / "s", row, table=COMPLETIONS)
    assert read_table(path, COMPLETIONS)["started"].to_pylist() == [None, 0]
    assert read_table(path, COMPLETIONS)["error"].to_pylist() == [None, None]


def test_texts_go_to_the_rows_that_have_one(tmp_path: Path) -> None:
    rows = np.zeros((3, len(COMPLETIONS.columns)), dtype=np.int64)
    rows[:, 0] = (7, 8, 9)
    rows[1:, COMPLETIONS.names.index("error")] = 1
    texts = {8: "é: it broke", 9: "", 10: "of a row to come"}
    with closing(StreamWriter(tmp_path / "s", COMPLETIONS)) as writer:
        writer.write(rows, texts=texts)
    assert read_table(tmp_path / "s", COMPLETIONS)["error"].to_pylist() == [None, "é: it broke", ""]
    assert texts == {10: "of a row to come"}


def test_further_parents_come_after_the_first(tmp_path: Path) -> None:
    rows = np.zeros((3, len(SPANS.columns)), dtype=np.int64)
    rows[:, 0] = (4, 5, 6)
    rows[:, SPANS.names.index("parents")] = (NULL, 4, 5)
    links = {6: [3, 4], 99: [1]}
    with closing(StreamWriter(tmp_path / "s", SPANS)) as writer:
        writer.write(rows, links=links)
    assert read_table(tmp_path / "s", SPANS)["parents"].to_pylist() == [[], [4], [5, 3, 4]]
    assert links == {99: [1]}


def test_a_value_of_an_event_keeps_its_bits(tmp_path: Path) -> None:
    values = np.array([1.5, float("nan"), -0.0, float("inf")])
    rows = np.zeros((4, 4), dtype=np.int64)
    rows[:, 3] = values.view(np.int64)
    path = write(tmp_path / "s", rows, table=EVENTS)
    assert read_table(path, EVENTS)["value"].to_numpy().tobytes() == values.tobytes()


# -- a torn end --------------------------------------------------------------------------


@pytest.mark.parametrize("table", [DISPATCH, COMPLETIONS, SPANS, EVENTS], ids=lambda t: t.name)
def test_a_file_cut_anywhere_costs_the_batch_that_is_cut_and_no_other(
    tmp_path: Path, table: Table
) -> None:
    batch = np.zeros((3, len(table.columns)), dtype=np.int64)
    whole = write(tmp_path / "whole", batch, batch, batch, table=table)
    data = whole.read_bytes()
    offsets = [offset for _, offset in read_batches(whole, table)]
    assert len(offsets) == 3
    for size in range(0, len(data) + 1, 7):
        (tmp_path / "cut").write_bytes(data[:size])
        found = [offset for _, offset in read_batches(tmp_path / "cut", table)]
        assert found == [offset for offset in offsets if offset <= size], size


def test_zeros_behind_the_last_batch_are_no_batch(tmp_path: Path) -> None:
    """What a crash of the machine leaves: the size was written, the data were not."""
    path = write(tmp_path / "s", ROWS)
    path.write_bytes(path.read_bytes()[: ends(path)[-1]] + bytes(4096))
    assert len(read_table(path, DISPATCH)) == 4


# -- in pieces ---------------------------------------------------------------------------


def test_a_reader_goes_on_after_the_last_whole_batch(tmp_path: Path) -> None:
    offset, seen = 0, []
    with closing(StreamWriter(tmp_path / "s", DISPATCH)) as writer:
        for number in range(5):
            writer.write(ROWS + number)
            for batch, after in read_batches(tmp_path / "s", DISPATCH, offset):
                seen.append(batch["query"][0].as_py())
                offset = after
    assert seen == [0, 1, 2, 3, 4]
    assert list(read_batches(tmp_path / "s", DISPATCH, offset)) == []


def test_every_offset_is_one_to_go_on_from(tmp_path: Path) -> None:
    path = write(tmp_path / "s", ROWS, ROWS + 1, ROWS + 2)
    for number, offset in enumerate(ends(path), 1):
        rest = [batch["query"][0].as_py() for batch, _ in read_batches(path, DISPATCH, offset)]
        assert rest == list(range(number, 3))


@pytest.mark.parametrize("offset", [10**12, 3, 9, 100])
def test_an_offset_that_is_none_gives_nothing(tmp_path: Path, offset: int) -> None:
    path = write(tmp_path / "s", ROWS)
    assert list(read_batches(path, DISPATCH, offset)) == []


# -- what is no stream -------------------------------------------------------------------


def test_a_missing_or_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("missing", "empty"):
        found = read_table(tmp_path / name, SPANS)
        assert len(found) == 0
        assert found.schema == schema_of(SPANS)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "real", ROWS)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(read_table(tmp_path / "link", DISPATCH)) == 0


def test_a_pipe_is_not_waited_for_and_a_folder_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        assert len(read_table(tmp_path / name, DISPATCH)) == 0


@pytest.mark.parametrize(
    "content", [b"hello", bytes(100), b"\xff" * 64, b"ARROW1\0\0" + bytes(64), b"{}\n" * 100]
)
def test_a_foreign_file_is_an_empty_table(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    assert len(read_table(tmp_path / "s", DISPATCH)) == 0


OTHER_SCHEMAS = {
    "fewer columns": pa.table({"query": pa.array([1, 2])}),
    "texts": pa.table({name: pa.array(["a", "b"]) for name in DISPATCH.names}),
    "small integers": pa.table({name: pa.array([1, 2], pa.int8()) for name in DISPATCH.names}),
    "lists": pa.table({name: pa.array([[1], [2, 3]]) for name in DISPATCH.names}),
    "dictionaries": pa.table(
        {name: pa.array(["a", "b"]).dictionary_encode() for name in DISPATCH.names}
    ),
    "no columns": pa.table({}),
}


@pytest.mark.parametrize("name", OTHER_SCHEMAS)
def test_a_stream_of_another_schema_does_no_harm(tmp_path: Path, name: str) -> None:
    other = OTHER_SCHEMAS[name]
    with pa.OSFile(str(tmp_path / "s"), "wb") as file, pa.ipc.new_stream(file, other.schema) as out:
        out.write_table(other)
    for table in (DISPATCH, COMPLETIONS, SPANS, EVENTS):
        found = read_table(tmp_path / "s", table)
        found.validate(full=True)
        assert found.schema == schema_of(table)


def test_flipped_bits_do_no_harm(tmp_path: Path) -> None:
    """Offsets of lists and texts are checked, so a damaged one cannot read past its buffer."""
    rows = np.zeros((5, len(SPANS.columns)), dtype=np.int64)
    data = bytearray(write(tmp_path / "whole", rows, rows, table=SPANS).read_bytes())
    random = Random(3)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(random.randint(1, 4)):
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        (tmp_path / "s").write_bytes(damaged)
        read_table(tmp_path / "s", SPANS).to_pandas()


def test_memory_that_is_given_back_comes_again_with_the_same_bytes(tmp_path: Path) -> None:
    rows = np.arange(500_000, dtype=np.int64).reshape(-1, 5)
    path = write(tmp_path / "s", *[rows] * 4)
    stored = read_stored(path, DISPATCH)
    assert resident_bytes(path) < 1e6
    for _ in range(2):
        sums = [int(to_numpy(chunk).sum()) for chunk in stored.table["due"].chunks]
        assert sums == [int(rows[:, 3].sum())] * 4
        assert resident_bytes(path) > 3e6
        stored.release()
        assert resident_bytes(path) == 0


def test_there_is_nothing_to_give_back_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    read_stored(tmp_path / "s", DISPATCH).release()


def resident_bytes(path: Path) -> int:
    """How much of a file stands in the memory of this process."""
    found, here = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        key, _, value = line.partition(":")
        if "-" in key:
            here = line.endswith(str(path))
        elif key == "Rss" and here:
            found += int(value.split()[0]) * 1024
    return found


def test_nothing_follows_a_batch_that_the_disk_took_a_part_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StreamWriter(tmp_path / "s", DISPATCH)
    writer.write(ROWS)
    whole = (tmp_path / "s").stat().st_size
    monkeypatch.setattr(writer, "_file", Full(writer._file, room=100))
    with pytest.raises(OSError, match="No space left"):
        writer.write(ROWS)
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert (tmp_path / "s").stat().st_size == whole + 100
    assert len(read_table(tmp_path / "s", DISPATCH)) == len(ROWS)


class Full:
    """A file on a disk that has room for some bytes more, and later for all."""

    def __init__(self, file: io.RawIOBase, room: int) -> None:
        self._file = file
        self._room = room

    def write(self, data: bytes) -> int | None:
        """Take what there is room for, then refuse once."""
        if not self._room:
            self._room = 1 << 20
            raise OSError(errno.ENOSPC, "No space left on device")
        part, self._room = data[: self._room], 0
        return self._file.write(part)

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
