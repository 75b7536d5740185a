"""A spec as data of which a few values change: written, and identified, without the rest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from mlbench.spec import Benchmark
from mlbench.spec.choice import Choice
from mlbench.spec.model import SpecModel
from mlbench.spec.request import spec_hash

__all__ = ["Keys", "SpecText", "put", "shared"]

Keys = tuple[str, ...]
"""A path in a spec."""

Plain = Any
"""Plain data, with validated models in it or without; Any: of any shape."""

TEXT = json.JSONEncoder(ensure_ascii=False).encode
"""As `mlbench.spec.request.spec_hash` writes it; made once, because making it takes longer."""

MARK = re.compile(r'"\\u0000(\d+)\\u0000"')
"""Where a value stands, in JSON: a text that no spec has."""


def put(here: Plain, keys: Sequence[str], value: Plain) -> Plain:
    """The data with a value at a path, the rest shared with what it was.

    Examples
    --------
    >>> before = {"a": {"b": 1}, "c": {}}
    >>> put(before, ("a", "b"), 2), before["a"]
    ({'a': {'b': 2}, 'c': {}}, {'b': 1})
    """
    if not keys:
        return value
    return {**here, keys[0]: put(here.get(keys[0]), keys[1:], value)}


def shared(data: Plain, model: object, paths: Sequence[Keys]) -> Plain:
    """The data with what is validated already in place of all that no path leads into.

    Defaults are filled in. Validating it again costs what the paths lead to, and no more.
    """
    if () in paths or not isinstance(data, dict):
        return data
    known = _validated(data, model)
    led = {key: [path[1:] for path in paths if path[0] == key] for key, *_ in paths}
    return {**known, **{key: shared(data[key], known.get(key), led[key]) for key in led}}


def _validated(data: dict[str, Plain], model: object) -> dict[str, Plain]:
    """What is known of a mapping, by key; the data where it is known as something else."""
    if isinstance(model, SpecModel) and not isinstance(model, Choice):
        fields = type(model).model_fields.items()
        return {info.alias or name: getattr(model, name) for name, info in fields}
    return model if isinstance(model, dict) else data


class SpecText:
    """The text that a spec is hashed by, of which the values at some paths change.

    Parameters
    ----------
    bench
        One of the specs.
    paths
        Where others differ from it; each leads to plain data.
    """

    def __init__(self, bench: Benchmark, paths: Sequence[Keys]) -> None:
        self._paths = paths
        complete = bench.complete()
        for index, keys in enumerate(paths):
            complete = put(complete, keys, f"\0{index}\0")
        self._pieces = MARK.split(TEXT(complete))
        self._is_exact = self._spliced(bench) == spec_hash(bench)

    def hash(self, bench: Benchmark) -> str:
        """What `mlbench.spec.request.spec_hash` gives for another of the specs."""
        return self._spliced(bench) if self._is_exact else spec_hash(bench)

    def _spliced(self, bench: Benchmark) -> str:
        pieces = list(self._pieces)
        for at in range(1, len(pieces), 2):
            pieces[at] = TEXT(_value(bench, self._paths[int(pieces[at])]))
        return hashlib.sha256("".join(pieces).encode()).hexdigest()[:16]


def _value(here: Any, keys: Keys) -> Plain:  # Any: a model, a mapping, or what is in one
    """What stands at a path, as it was validated."""
    for key in keys:
        if isinstance(here, Choice):  # the key is its name
            here = here.options
        elif isinstance(here, BaseModel):
            here = getattr(here, "with_" if key == "with" else key)
        else:
            here = here[key]
    return here
