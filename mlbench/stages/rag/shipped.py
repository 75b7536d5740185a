"""The data that ship with this family, and lines of JSON in general."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from mlbench.errors import MlbenchError

__all__ = ["read_lines", "shipped"]

Row = TypeVar("Row")


def shipped(name: str) -> Path:
    """The path of a file that ships with the family.

    Examples
    --------
    >>> shipped("questions.jsonl").name
    'questions.jsonl'
    """
    return Path(str(files("mlbench.stages.rag") / "data" / name))


def read_lines(
    stage: str, path: Path, row_of: Callable[[dict[str, Any], int], Row], shape: str
) -> list[Row]:
    """What the lines of a file of JSON objects say, one row each; empty lines do not count.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    row_of
        Makes a row of an object and its number, from 1. It raises `ValueError`, `TypeError`
        or `KeyError` where the object is not what it should be.
    shape
        What a line should look like, for the messages.

    Raises
    ------
    MlbenchError
        If the file cannot be read, is not text, or a line is not such an object.
    """
    rows = []
    for number, line in enumerate(_lines(stage, path), 1):
        if line.strip():
            try:
                rows.append(row_of(_object(line), number))
            except (ValueError, TypeError, KeyError) as error:
                why = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise MlbenchError(
                    f"{stage} cannot use line {number} of {path}: {why}; expected {shape}"
                ) from error
    return rows


def _object(line: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError(f"it is no object but {line.strip()[:40]}")
    return found


def _lines(stage: str, path: Path) -> Iterator[str]:
    try:
        return iter(path.read_text(encoding="utf-8-sig").split("\n"))  # JSON may hold other breaks
    except UnicodeDecodeError as error:
        raise MlbenchError(
            f"{stage} reads text, and {path} is none: byte {error.start:,} is not UTF-8"
        ) from None
    except OSError as error:
        raise MlbenchError(
            f"{stage} cannot read {path} (from {Path.cwd()}): {error.strerror or error}"
        ) from error
