"""The notebook of a sweep: what it declares, what identifies it, and how it gets parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlbench.errors import Problem, SpecError, nearest
from mlbench.sweep.declared import Declared, declared_in, literal

__all__ = ["Notebook"]

PARAMETERS, INJECTED = "parameters", "injected-parameters"
"""Tags of cells, as papermill has them."""

MAX_BYTES = 256 << 20

Cell = dict[str, Any]
"""A cell in the format of notebooks; Any: JSON."""


@dataclass(frozen=True)
class Notebook:
    """A notebook, as far as a plan needs it.

    Parameters
    ----------
    path
        Of its file.
    document
        What the file says; Any: JSON.
    declared
        Its parameters, by name.
    """

    path: Path
    document: dict[str, Any]
    declared: Mapping[str, Declared]

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """The notebook of a file.

        Raises
        ------
        SpecError
            If it is no notebook in Python, of format 4.
        """
        document = _document(path)
        language = _kernelspec(document).get("language", "python")
        if language != "python":
            raise _wrong(path, f"is in {language}, and a sweep executes Python")
        cells = [cell for cell in _cells(document) if PARAMETERS in _tags(cell)]
        try:
            declared = declared_in(_source(cells[0])) if cells else {}
        except SyntaxError as error:
            raise _wrong(path, f"its parameters are no Python: {error.msg}") from None
        return cls(path, document, declared)

    @property
    def has_parameters(self) -> bool:
        """Whether a cell is tagged ``parameters``."""
        return any(PARAMETERS in _tags(cell) for cell in _cells(self.document))

    @property
    def kernel(self) -> str | None:
        """The name of the kernel that it was written for; null where it does not say."""
        found = _kernelspec(self.document).get("name")
        return found if isinstance(found, str) and found else None

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what it executes, 16 hex digits: outputs and metadata count for nothing."""
        code = [_source(cell) for cell in _cells(self.document) if cell["cell_type"] == "code"]
        return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]

    def problem(self, path: tuple[str | int, ...], name: str, value: Any) -> Problem | None:
        """What is wrong with a value of a parameter; Any: plain data."""
        if name not in self.declared:
            if not self.has_parameters:
                hint = "tag a cell `parameters`, and assign there what a sweep may change"
                return Problem(path, f"{self.path.name} declares no parameters", hint)
            hint = nearest(name, self.declared)
            return Problem(path, f"is no parameter of {self.path.name}", hint)
        try:
            literal(value)
            self.declared[name].taken(value)
        except (ValueError, TypeError) as error:
            return Problem(path, str(error))
        return None

    def with_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:  # Any: plain data
        """The document with a cell that assigns them, behind the one that declares them."""
        document = deepcopy(self.document)
        if not values:
            return document
        taken = {name: self.declared[name].taken(value) for name, value in values.items()}
        lines = ["# Parameters", *(f"{name} = {literal(each)}" for name, each in taken.items())]
        cells = [cell for cell in document["cells"] if INJECTED not in _tags(cell)]
        place = next((i for i, cell in enumerate(cells) if PARAMETERS in _tags(cell)), -1) + 1
        cells.insert(place, _code_cell("\n".join(lines), document))
        document["cells"] = cells
        document.setdefault("metadata", {})["papermill"] = {"parameters": dict(values)}
        return document


def _document(path: Path) -> dict[str, Any]:  # Any: JSON
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _wrong(path, f"is larger than {MAX_BYTES} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _wrong(path, "is no notebook: it is not JSON") from None
    if not isinstance(document, dict) or document.get("nbformat") != 4:
        raise _wrong(path, "is no notebook of format 4")
    if not all(isinstance(cell, dict) and "cell_type" in cell for cell in _cells(document)):
        raise _wrong(path, "is no notebook: a cell is damaged")
    return document


def _kernelspec(document: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    metadata = document.get("metadata")
    found = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _cells(document: Mapping[str, Any]) -> Iterator[Cell]:
    return iter(document.get("cells") or ())


def _tags(cell: Cell) -> list[str]:
    return list((cell.get("metadata") or {}).get("tags") or ())


def _source(cell: Cell) -> str:
    source = cell.get("source") or ""
    return source if isinstance(source, str) else "".join(source)


def _code_cell(source: str, document: Mapping[str, Any]) -> Cell:
    cell: Cell = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [INJECTED]},
        "outputs": [],
        "source": source,
    }
    if int(document.get("nbformat_minor") or 0) >= 5:
        cell["id"] = INJECTED
    return cell


def _wrong(path: Path, message: str) -> SpecError:
    return SpecError([Problem((), message, file=str(path))])
