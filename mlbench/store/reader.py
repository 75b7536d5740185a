"""Reads a run directory, while it grows and after; executes and imports nothing from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench.errors import NotARunError
from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, FORMAT, SPANS, TABLES, Table
from mlbench.spec import Request
from mlbench.store.document import read_document
from mlbench.store.layout import GOING, MANIFEST, PIPELINES, REQUEST, read_json
from mlbench.store.process import is_running

if TYPE_CHECKING:
    import pyarrow as pa

    from mlbench.store.columns import Batch, Columns
    from mlbench.store.mapped import Stored

__all__ = ["Cursor", "Reader"]

Cursor = Mapping[str, int]
"""Offset in each stream, by its path in the run directory; plain data that JSON holds."""

MAX_OUTPUT_LINE = 1 << 20


@dataclass(frozen=True)
class Reader:
    """A run directory.

    Parameters
    ----------
    path
        The directory.

    Raises
    ------
    NotARunError
        From every method, if what it needs is missing, damaged, or of a later format.
    """

    path: Path

    def request(self) -> Request:
        """What was asked for."""
        return read_document(self.path / REQUEST, "run", FORMAT, _request)

    def manifest(self) -> dict[str, Any]:  # Any: JSON
        """What the engine says; one that claims to be going and is gone has status ``aborted``."""
        data = read_json(self.path / MANIFEST)
        if data is None:
            return self._not_begun()
        from mlbench.store.manifest import checked

        checked(data, str(self.path / MANIFEST))
        if data["status"] in GOING and is_running(data["engine"]) is False:
            data["status"] = "aborted"
            data["reasons"] = [*data["reasons"], "the engine ended before the run did"]
        return data

    def _not_begun(self) -> dict[str, Any]:  # Any: JSON
        """A run whose engine has written nothing yet, or never will."""
        told = (read_json(self.path / REQUEST) or {}).get("engine")
        engine = told if isinstance(told, dict) else {}
        gone = bool(engine) and is_running(engine) is False
        return {
            "status": "aborted" if gone else "starting",
            "reasons": ["the engine ended before the run began"] if gone else [],
            "engine": engine,
            "pipelines": {},
            "phases": [],
        }

    def table(self, table: Table, folder: str | None = None) -> pa.Table:
        """All whole batches of one table, of one pipeline's folder or of the run."""
        return self.stored(table, folder).table

    def stored(self, table: Table, folder: str | None = None) -> Stored[pa.Table]:
        """The same, with what gives its memory back."""
        from mlbench.store.stream import read_stored

        return read_stored(self._stream(table, folder), table)

    def columns(self, table: Table, folder: str | None = None) -> Stored[Columns]:
        """The same as NumPy arrays, without pyarrow."""
        from mlbench.store.columns import stored_columns

        return stored_columns(self._stream(table, folder), table)

    def _stream(self, table: Table, folder: str | None) -> Path:
        parent = self.path if folder is None else self._folder(folder)
        return parent / f"{table.name}.arrow"

    def _folder(self, name: str) -> Path:
        """The folder of a pipeline, which no link leads to."""
        pipelines = self.path / PIPELINES
        folder = pipelines / Path(name).name
        for path in (pipelines, folder):
            if path.is_symlink():
                raise NotARunError(f"{path} is a link: a run is read from one directory only")
        return folder

    def outputs(self, folder: str) -> Iterator[dict[str, Any]]:  # Any: JSON
        """The rows of ``outputs.jsonl``: query, sink, branch, output."""
        path = self._folder(folder) / "outputs.jsonl"
        if path.is_symlink() or not path.is_file():
            return
        with path.open("rb") as file:
            while line := file.readline(MAX_OUTPUT_LINE):
                if not line.endswith(b"\n"):  # torn, or longer than what is read of one
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_OUTPUT_LINE)
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict):
                    yield row

    def tail(self, cursor: Cursor) -> tuple[dict[str, list[pa.RecordBatch]], dict[str, int]]:
        """The batches that came since ``cursor``, by stream, and the cursor after them."""
        from mlbench.store.stream import read_batches

        found: dict[str, list[pa.RecordBatch]] = {}
        after = dict(cursor)
        for key, path, table in self._streams():
            for batch, offset in read_batches(path, table, cursor.get(key, 0)):
                found.setdefault(key, []).append(batch)
                after[key] = offset
        return found, after

    def tail_columns(
        self, table: Table, cursor: Cursor, folder: str | None = None
    ) -> tuple[list[Batch], dict[str, int]]:
        """The batches of one table that came since ``cursor``, without pyarrow, and one after."""
        from mlbench.store.columns import column_batches

        path, found, after = self._stream(table, folder), [], dict(cursor)
        key = path.relative_to(self.path).as_posix()
        for batch, offset in column_batches(path, table, cursor.get(key, 0)):
            found.append(batch)
            after[key] = offset
        return found, after

    def _streams(self) -> Iterator[tuple[str, Path, Table]]:
        yield "dispatch", self._stream(DISPATCH, None), DISPATCH
        yield "samples", self._stream(TABLES["samples"], None), TABLES["samples"]
        for name, entry in self.manifest()["pipelines"].items():
            for table in (COMPLETIONS, SPANS, EVENTS):
                yield f"{name}/{table.name}", self._stream(table, entry["folder"]), table


def _request(data: Mapping[str, Any]) -> Request:  # Any: JSON
    """What a later version has noted besides is left alone."""
    known = {key: value for key, value in data.items() if key in Request.model_fields}
    return Request.model_validate(known)
