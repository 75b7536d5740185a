"""The JSON document that says what a directory holds, checked before it is believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mlbench.errors import NotARunError
from mlbench.store.layout import read_json

__all__ = ["read_document"]

Document = TypeVar("Document")


def read_document(
    path: Path,
    holds: str,
    latest: int,
    checked: Callable[[dict[str, Any]], Document],  # Any: JSON
) -> Document:
    """The document in the file ``path``, which no link leads to.

    Parameters
    ----------
    holds
        What its directory holds, for the messages: ``run``.
    latest
        The latest format that this version reads.
    checked
        Makes the document of the JSON object, or raises a ``ValidationError``.

    Raises
    ------
    NotARunError
        If it is missing, damaged, or of a later format.
    """
    if not path.is_file() or path.is_symlink():
        raise NotARunError(f"{path.parent} holds no {holds}: there is no {path.name} in it")
    data = read_json(path)
    if data is None:
        raise NotARunError(f"{path} is no JSON object")
    if isinstance(data.get("format"), int) and data["format"] > latest:
        raise NotARunError(
            f"{path.parent} has format {data['format']}, this mlbench reads up to {latest}: "
            "pip install --upgrade mlbench"
        )
    try:
        return checked(data)
    except ValidationError as error:
        raise NotARunError(f"{path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first of its mistakes, behind the key that it is about, if it is about one."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    told = first["msg"].removeprefix("Value error, ")
    return f"{where}: {told}" if where else told
