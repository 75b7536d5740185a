"""Reading one column of a published trace: a JSON list, JSON lines, or CSV."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path

from mlbench.errors import MlbenchError, nearest

__all__ = ["TraceError", "instant_ns", "read_column"]

MAX_JSON_BYTES = 512 << 20
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?$"
)


class TraceError(MlbenchError):
    """A trace that cannot be replayed."""


def read_column(path: Path, column: str, unit_ns: Decimal) -> Iterator[tuple[int, Decimal]]:
    """Row number, from 1, and value in ns of each row of a column.

    Raises
    ------
    TraceError
        If the file cannot be read, has no such column, or a value is no number and no date.
    """
    number = 0
    try:
        for number, row in enumerate(_rows(path), 1):
            if not isinstance(row, dict) or column not in row:
                raise TraceError(f"{path}: row {number}: {_no_column(row, column)}")
            yield number, _instant(path, number, row[column], unit_ns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except ValueError as error:  # of the JSON reader, which was at the next row
        raise TraceError(f"{path}: row {number + 1}: {error}") from None
    if not number:
        raise TraceError(f"{path}: the trace has no rows")


def _instant(path: Path, number: int, value: object, unit_ns: Decimal) -> Decimal:
    try:
        return instant_ns(value, unit_ns)
    except ValueError as error:
        raise TraceError(f"{path}: row {number}: {error}") from None


def _rows(path: Path) -> Iterator[object]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.DictReader(file)
    elif path.suffix in (".jsonl", ".ndjson"):
        with path.open(encoding="utf-8") as file:
            yield from (json.loads(line, parse_float=Decimal) for line in file if line.strip())
    elif path.suffix == ".json":
        if path.stat().st_size > MAX_JSON_BYTES:
            raise TraceError(f"{path}: larger than 512 MiB; convert it to JSON lines (.jsonl)")
        rows = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        if not isinstance(rows, list):
            raise TraceError(f"{path}: expected a list of objects")
        yield from rows
    else:
        raise TraceError(f"{path}: expected a file that ends in .json, .jsonl or .csv")


def _no_column(row: object, column: str) -> str:
    if not isinstance(row, dict):
        return f"expected an object with the key {column!r}, not {type(row).__name__}"
    return f"there is no column {column!r} ({nearest(column, map(str, row))})"


def instant_ns(value: object, unit_ns: Decimal) -> Decimal:
    """A number in its unit, or an ISO 8601 date-time, as ns; exact.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> instant_ns("0.000000001", Decimal(10**9))
    Decimal('1.000000000')
    >>> instant_ns("1970-01-01 00:00:01.000000007", Decimal(1))
    Decimal('1000000007')
    """
    text = str(value).strip()
    if isinstance(value, bool) or value is None or not text:
        raise ValueError(f"expected a number or a date-time, not {value!r}")
    if match := ISO.match(text):
        return _date_ns(*match.groups())
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected a number or a date-time, not {text!r}") from None
    if not number.is_finite():
        raise ValueError(f"expected a finite number, not {text!r}")
    return number * unit_ns


def _date_ns(day: str, time: str, fraction: str | None, zone: str | None) -> Decimal:
    offset = "+00:00" if zone in (None, "Z") else f"{zone[:3]}:{zone[-2:]}"
    passed = datetime.fromisoformat(f"{day}T{time}{offset}") - EPOCH
    nanoseconds = int((fraction or "0").ljust(9, "0"))
    return Decimal((passed.days * 86_400 + passed.seconds) * 10**9 + nanoseconds)
