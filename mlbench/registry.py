"""Names to stages, probes, loads and placement methods, found by entry point.

What ships with mlbench registers exactly as a plugin does: in a ``pyproject.toml``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, get_args

from mlbench.errors import RegistryError, nearest

__all__ = ["Group", "Listed", "adopt", "find", "listed", "names"]

Group = Literal["stages", "probes", "loads", "placements"]

LISTS = {"stages": "mlbench stages", "loads": "mlbench loads"}
"""The commands that list all names of a group."""


Listed = list[list[str]]
"""Of each entry point, also of two with one name, what JSON can say: name, value, group."""

_adopted: list[EntryPoint] | None = None


def listed() -> Listed:
    """What is registered in all groups, for `adopt` in another process."""
    return [[entry.name, entry.value, entry.group] for entry in _installed()]


def adopt(entries: Iterable[Iterable[str]]) -> None:
    """Take what another process has `listed`, in place of looking for it."""
    global _adopted  # noqa: PLW0603  (a process has one registry)
    _adopted = [EntryPoint(*entry) for entry in entries]


@cache
def _installed() -> list[EntryPoint]:
    """The entry points of all groups: looking through the packages takes 20 ms."""
    if _adopted is not None:
        return _adopted
    found = entry_points()
    return [entry for each in get_args(Group) for entry in found.select(group=f"mlbench.{each}")]


@cache
def _entries(group: Group) -> Mapping[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in _installed():
        if entry.group != f"mlbench.{group}":
            continue
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise RegistryError(
                f"two packages register {entry.name!r} in mlbench.{group}: {other.value} and "
                f"{entry.value}; rename one of them in its pyproject.toml"
            )
    return found


def names(group: Group) -> list[str]:
    """All registered names of a group, sorted.

    Raises
    ------
    RegistryError
        If two packages register the same name.
    """
    return sorted(_entries(group))


def find(group: Group, name: str) -> object:
    """The object that ``name`` stands for: a registered name, or ``module:object``.

    Raises
    ------
    LookupError
        If nothing has that name; the message names the nearest one.
    RegistryError
        If its module does not import, or two packages register the name.
    """
    entry = _entries(group).get(name)
    if entry is None and ":" in name:
        return _import(name)
    if entry is None:
        raise LookupError(nearest(name, names(group), LISTS.get(group, "")))
    try:
        return entry.load()
    except Exception as error:  # any module may be behind a name: report it under the name
        raise RegistryError(f"{name!r} does not import: {type(error).__name__}: {error}") from error


def _import(name: str) -> object:
    module_name, _, qualname = name.partition(":")
    try:
        found: object = sys.modules.get(module_name) or import_module(module_name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise LookupError(f"no module {error.name or module_name!r} can be imported") from None
    except AttributeError:
        raise LookupError(f"the module {module_name!r} has no {qualname!r}") from None
    except Exception as error:  # the module's own code failed: report it under the name
        raise RegistryError(f"{name!r} does not import: {type(error).__name__}: {error}") from error
    return found
