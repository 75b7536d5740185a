"""Conditions over parameters, such as ``cpus == 1 and model == 'big'``: read, never executed.

The text is parsed and walked: comparisons, arithmetic, ``and``, ``or``, ``not``, ``in``, lists
and constants. Nothing is called, and a name is a parameter or a mistake.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mlbench.errors import nearest

__all__ = ["Condition", "ConditionError"]

Values = Mapping[str, Any]
"""Parameters by name; Any: plain data."""

MAX_CHARACTERS = 2000

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class ConditionError(ValueError):
    """A condition that is none, or that cannot be told of some point."""


class Condition:
    """One condition.

    Parameters
    ----------
    text
        As Python writes it.
    names
        The parameters that there are; one with dots is written as it is.

    Raises
    ------
    ConditionError
        If it is not of what is read here, or names no parameter.

    Examples
    --------
    >>> crowded = Condition("cpus == 1 and model in ['big', 'huge']", ["cpus", "model"])
    >>> crowded.holds({"cpus": 1, "model": "big"}), crowded.holds({"cpus": 2, "model": "big"})
    (True, False)
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self._names = frozenset(names)
        if len(text) > MAX_CHARACTERS:
            raise ConditionError(f"is longer than {MAX_CHARACTERS} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ConditionError(f"is no expression: {getattr(error, 'msg', error)}") from None
        try:
            self._check(self._tree)
        except RecursionError:
            raise ConditionError("is nested too deeply") from None

    def holds(self, values: Values) -> bool:
        """Whether it is true of a point.

        Raises
        ------
        ConditionError
            If its values do not go together, as a text and a number in ``<``.
        """
        try:
            return bool(self._value(self._tree, values))
        except (TypeError, ZeroDivisionError, OverflowError, RecursionError, ValueError) as error:
            raise ConditionError(f"cannot be told of {dict(values)}: {error}") from None

    def _check(self, node: ast.expr) -> None:
        name = _dotted(node)
        if name is not None:
            if name not in self._names:
                hint = nearest(name, self._names)
                raise ConditionError(f"{name!r} is no parameter" + (f" ({hint})" if hint else ""))
            return
        if not _is_read(node):
            raise ConditionError(f"{ast.unparse(node)!r} is not read in a condition")
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._check(child)

    def _value(self, node: ast.expr, values: Values) -> Any:  # Any: plain data
        name = _dotted(node)
        if name is not None:
            return values[name]
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(each, values) for each in node.elts]
        if isinstance(node, ast.BoolOp):
            return self._boolean(node, values)
        if isinstance(node, ast.UnaryOp):
            return UNARY[type(node.op)](self._value(node.operand, values))
        if isinstance(node, ast.BinOp):
            return self._binary(node, values)
        assert isinstance(node, ast.Compare)
        return self._comparison(node, values)

    def _boolean(self, node: ast.BoolOp, values: Values) -> bool:
        truths = (bool(self._value(each, values)) for each in node.values)
        return all(truths) if isinstance(node.op, ast.And) else any(truths)

    def _binary(self, node: ast.BinOp, values: Values) -> Any:  # Any: a number
        left, right = self._value(node.left, values), self._value(node.right, values)
        if not (_is_number(left) and _is_number(right)):
            raise TypeError("arithmetic is of numbers")  # a text times a number may be enormous
        return BINARY[type(node.op)](left, right)

    def _comparison(self, node: ast.Compare, values: Values) -> bool:
        left = self._value(node.left, values)
        for kind, other in zip(node.ops, node.comparators, strict=True):
            right = self._value(other, values)
            if not COMPARISONS[type(kind)](left, right):
                return False
            left = right
        return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_read(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return type(node.op) in UNARY
    if isinstance(node, ast.BinOp):
        return type(node.op) in BINARY
    if isinstance(node, ast.Compare):
        return all(type(kind) in COMPARISONS for kind in node.ops)
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool | int | float | str)
    return isinstance(node, ast.BoolOp | ast.List | ast.Tuple)


def _dotted(node: ast.expr) -> str | None:
    """The name that a node is, ``pipelines.rag.seed``; null if it is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None
