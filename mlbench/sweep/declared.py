"""The parameters that a notebook declares, with their types, and the check of values by them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union

from pydantic import TypeAdapter, ValidationError

__all__ = ["Declared", "declared_in", "literal"]

PLAIN: dict[str, object] = {
    "Any": Any,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "object": Any,
    "str": str,
    "tuple": tuple,
    "None": None,
}
"""Names that an annotation may have; others say nothing about a value."""

GENERIC: dict[str, Any] = {"dict": dict, "list": list, "tuple": tuple}
"""Types that say what is in them; Any: they take an index."""

WORDS = {bool: "true or false", float: "a number", int: "a whole number", str: "text"}
WORDS |= {list: "a list", tuple: "a list (it becomes a tuple)", dict: "'key: value' pairs"}


@dataclass(frozen=True)
class Declared:
    """A parameter of a notebook.

    Parameters
    ----------
    name
        Of the variable.
    text
        How it is declared, ``rate: float = 10``.
    type
        What its values are; Any: a type, as ``TypeAdapter`` takes it.
    """

    name: str
    text: str
    type: Any

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.type)

    def taken(self, value: Any) -> Any:  # Any: plain data
        """The value as the notebook gets it: a list becomes a tuple where that is declared.

        Raises
        ------
        ValueError
            If it is of another type: nothing is converted.
        """
        if self.is_tuple and isinstance(value, list):
            value = tuple(value)
        try:
            return self._adapter.validate_python(value, strict=True)
        except ValidationError as error:
            expected = WORDS.get(self.type) or str(self.type).replace("typing.", "")
            inner = error.errors(include_url=False)[0]
            told = expected if not inner["loc"] else f"{expected}: {inner['msg'].lower()}"
            raise ValueError(
                f"expected {told}, not {value!r} (the notebook has `{self.text}`)"
            ) from None

    @property
    def is_tuple(self) -> bool:
        """Whether its values are tuples, which YAML and JSON have as lists."""
        return self.type is tuple or getattr(self.type, "__origin__", None) is tuple


def declared_in(source: str) -> dict[str, Declared]:
    r"""The parameters that the source of a cell assigns, by name.

    Raises
    ------
    SyntaxError
        If it is not Python.

    Examples
    --------
    >>> found = declared_in("rate: float = 10\nmodel = 'small'  # or 'big'")
    >>> [(name, each.type) for name, each in found.items()]
    [('rate', <class 'float'>), ('model', <class 'str'>)]
    """
    found = {}
    for statement in ast.parse(_without_magics(source)).body:
        for name, annotation, value in _assigned(statement):
            kind = _annotated(annotation) if annotation is not None else _type_of(value)
            found[name] = Declared(name, ast.unparse(statement), kind)
    return found


def _without_magics(source: str) -> str:
    """The source without the lines that only IPython reads."""
    lines = source.splitlines()
    return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in lines)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.annotation, statement.value
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, None, statement.value


def _type_of(value: ast.expr | None) -> Any:  # Any: a type
    """The type of a value that is written out; anything of one that is not, or of null."""
    try:
        found = ast.literal_eval(value) if value is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return Any
    return type(found) if type(found) in WORDS else Any


def _annotated(node: ast.expr) -> Any:  # Any: a type
    """The type that an annotation of plain types says; anything for one of others."""
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Name):
        return PLAIN.get(node.id, Any)
    if isinstance(node, ast.Attribute):  # typing.Any and its like
        return PLAIN.get(node.attr, Any)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return Union[_annotated(node.left), _annotated(node.right)]  # noqa: UP007  (values)
    return _subscripted(node) if isinstance(node, ast.Subscript) else Any


def _constant(node: ast.Constant) -> Any:  # Any: a type
    if isinstance(node.value, str):  # an annotation in quotes
        try:
            return _annotated(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return Any
    return None if node.value is None else Any


def _subscripted(node: ast.Subscript) -> Any:  # Any: a type
    name = node.value.attr if isinstance(node.value, ast.Attribute) else None
    name = node.value.id if isinstance(node.value, ast.Name) else name
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        constants = tuple(each.value for each in inner if isinstance(each, ast.Constant))
        return Literal[constants] if constants else Any
    types = tuple(_element(each) for each in inner)
    if name == "Optional":
        return Union[types[0], None]  # noqa: UP007  (values)
    if name == "Union":
        return Union[types]  # noqa: UP007  (values)
    lowered = str(name).lower()
    if lowered in ("list", "dict", "tuple"):
        return GENERIC[lowered][types]
    return Any


def _element(node: ast.expr) -> Any:  # Any: a type, or an ellipsis
    return ... if isinstance(node, ast.Constant) and node.value is ... else _annotated(node)


def literal(value: Any) -> str:  # Any: plain data
    """The value as Python writes it, so that reading it gives the same value.

    Examples
    --------
    >>> literal({"a": (1, 2.5), "b": [None, True, "x"]})
    "{'a': (1, 2.5), 'b': [None, True, 'x']}"
    >>> literal(float("inf"))
    "float('inf')"

    Raises
    ------
    TypeError
        If it is not plain data.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Mapping):
        pairs = (f"{literal(key)}: {literal(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"{type(value).__name__} is no plain data")
