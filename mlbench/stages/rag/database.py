"""A SQLite database that questions are put to: read only, and bounded in what it may cost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from mlbench.errors import MlbenchError

__all__ = ["MAX_ROWS", "Database", "opened_database"]

MAX_ROWS = 100
"""Of an answer; further ones are left out."""

MAX_STEPS = 5_000_000
"""Of SQLite's virtual machine for one statement, about 0.1 s: a join of everything with
everything ends there."""

READING = frozenset(
    (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
)


class Database:
    """An open database that only reads.

    Parameters
    ----------
    connection
        Belongs to the caller.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.schema = "\n".join(self._column("SELECT sql FROM sqlite_master WHERE type = 'table'"))
        connection.set_authorizer(_only_reading)
        self._steps_left = MAX_STEPS
        connection.set_progress_handler(self._is_over, 1000)

    def rows(self, statement: str, values: Mapping[str, str]) -> list[tuple[object, ...]]:
        """The first `MAX_ROWS` rows that a SELECT gives.

        Raises
        ------
        sqlite3.Error
            If it cannot be run, does not only read, or takes too long.
        """
        self._steps_left = MAX_STEPS
        with closing(self._connection.execute(statement, dict(values))) as cursor:
            return cursor.fetchmany(MAX_ROWS)

    def texts(self, statement: str) -> list[str]:
        """The first column of all rows of a statement without parameters, as text."""
        self._steps_left = MAX_STEPS
        return self._column(statement)

    def _column(self, statement: str) -> list[str]:
        return [str(row[0]) for row in self._connection.execute(statement)]

    def _is_over(self) -> bool:
        self._steps_left -= 1000
        return self._steps_left < 0


@contextmanager
def opened_database(stage: str, path: Path) -> Iterator[Database]:
    """A database file, opened read only; or a script, ``.sql``, loaded into memory.

    Raises
    ------
    MlbenchError
        If there is none, or SQLite cannot read it.
    """
    if not path.is_file():
        raise MlbenchError(f"{stage} found no database {path} (from {Path.cwd()})")
    try:
        connection = _connected(path)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise MlbenchError(f"{stage} cannot read the database {path}: {error}") from error
    with closing(connection):
        yield Database(connection)


def _connected(path: Path) -> sqlite3.Connection:
    # Pipelined execution opens it in one thread and reads in another, one at a time.
    if path.suffix.lower() == ".sql":
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.executescript(path.read_text(encoding="utf-8"))
        return connection
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def _only_reading(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY
