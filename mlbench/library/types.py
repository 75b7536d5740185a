"""A JSON schema's type in words that somebody who writes YAML can use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["type_text"]

Schema = Mapping[str, Any]
"""A JSON schema, or a part of one; Any: JSON."""

WORDS = {"string": "text", "object": "mapping", "boolean": "true or false", "null": "null"}


def type_text(schema: Schema, shared: Schema | None = None) -> str:
    """The type with its bounds.

    Parameters
    ----------
    shared
        The schemas that ``$ref`` refers to, by name.

    Examples
    --------
    >>> type_text({"type": "integer", "minimum": 1, "maximum": 9})
    'integer, 1 to 9'
    >>> type_text({"type": "array", "items": {"type": "string"}})
    'list of text'
    """
    shared = shared or {}
    if "$ref" in schema:
        schema = shared.get(str(schema["$ref"]).rpartition("/")[2], {})
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(type_text(option, shared) for option in options))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    return ", ".join([_base(schema, shared), *_bounds(schema)])


def _base(schema: Schema, shared: Schema) -> str:
    kind = schema.get("type")
    if str(schema.get("pattern")).startswith("^\\$"):
        return "$NAME of a resource"
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"list of {type_text(schema['items'], shared)}"
    if kind == "array":
        return "list"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict):
        return f"mapping to {type_text(values, shared)}"
    return WORDS.get(str(kind), str(kind or "anything"))


def _bounds(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        yield f"above {_number(above)}"
    if low is not None and high is not None:
        yield f"{_number(low)} to {_number(high)}"
    elif low is not None:
        yield f"{_number(low)} or more"
    elif high is not None:
        yield f"{_number(high)} or less"
    if below is not None:
        yield f"below {_number(below)}"


def _number(value: float) -> str:
    """A bound as people write it: ``1e6``, not ``1e+06``."""
    digits, _, exponent = f"{value:g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits
