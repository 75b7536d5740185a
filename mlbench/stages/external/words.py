"""A command as a field of a stage: a list of words, or one line that is split like a shell's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["Command", "filled"]


def _words(value: object) -> object:
    """Split a line; take numbers, as YAML reads ``[--port, 80]``, for the words that they were."""
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list | tuple):
        return tuple(str(v) if type(v) in (int, float) else v for v in value)
    return value


Command = Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)]
"""Words of a command. No shell reads them: for pipes and variables write ``[sh, -c, ...]``."""


def filled(words: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """The words with each ``{name}`` of ``values`` replaced; other braces stay.

    Examples
    --------
    >>> filled(["--port={port}", '{"a": 1}'], {"port": 8000})
    ['--port=8000', '{"a": 1}']
    """
    result = list(words)
    for name, value in values.items():
        result = [word.replace(f"{{{name}}}", str(value)) for word in result]
    return result
