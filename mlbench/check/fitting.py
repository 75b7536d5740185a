"""The resource that an option takes, as far as the registry tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic.fields import FieldInfo

from mlbench.errors import RegistryError
from mlbench.interfaces.stage import Resource, class_of
from mlbench.registry import find, names
from mlbench.spec import Use

__all__ = ["fitting"]


def fitting(key: str, field: FieldInfo, resources: Mapping[str, Use]) -> str:
    """A hint with what to write for an option that takes a resource; empty where nothing fits.

    It is the registered resource that the description of the field names, or the one whose
    name ends as the option is called.

    Parameters
    ----------
    key
        Name of the option.
    resources
        Those that the pipeline has.

    Examples
    --------
    >>> fitting("lm", FieldInfo(description="a resource of text.model"), {})
    'add resources: {lm: {uses: text.model}} and write lm: $lm'
    """
    kinds = list(_kinds(key, field.description or ""))
    for name, use in resources.items():
        if use.uses in kinds:
            return f"write {key}: ${name}"
    if not kinds:
        return ""
    return f"add resources: {{{key}: {{uses: {kinds[0]}}}}} and write {key}: ${key}"


def _kinds(key: str, description: str) -> Iterator[str]:
    """Registered resources that fit, best first; only what may be one is imported."""
    words = re.findall(r"[\w.]*\w", description)
    known = names("stages")
    named = [name for name in known if name in words]
    alike = [name for name in known if name.rpartition(".")[2] == key and name not in named]
    yield from filter(_is_resource, [*named, *alike])


def _is_resource(name: str) -> bool:
    try:
        found = class_of(find("stages", name))
    except RegistryError:  # it does not import: so nothing can be said of it
        return False
    return found is not None and issubclass(found, Resource)
