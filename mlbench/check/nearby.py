"""What stands near a ``module:object`` that there is not: a module, or what one has."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pkgutil import iter_modules
from types import ModuleType

from mlbench.errors import nearest

__all__ = ["nearby"]


def nearby(name: str) -> str:
    """A hint that names the nearest module or object; empty where there is none.

    Examples
    --------
    >>> import mlbench.stages.synthetic.noop
    >>> nearby("mlbench.stages.synthetic.noop:nop")
    "did you mean 'noop'?"
    >>> nearby("jsn:loads")
    "did you mean 'json'?"
    """
    module_name, _, qualname = name.partition(":")
    module = sys.modules.get(module_name)
    if module is None:
        return _module_near(module_name)
    return nearest(qualname, _made_in(module))


def _made_in(module: ModuleType) -> Iterator[str]:
    """The public classes and functions of a module, without what it has imported."""
    for name, value in vars(module).items():
        if name[0] != "_" and getattr(value, "__module__", None) == module.__name__:
            yield name


def _module_near(name: str) -> str:
    package, _, _ = name.rpartition(".")
    if package and package not in sys.modules:  # the registry has imported it, if it is one
        return _module_near(package)
    holder = sys.modules.get(package)
    found = _modules_in(None if holder is None else getattr(holder, "__path__", ()), package)
    close = get_close_matches(name, list(found), n=1)
    if close == [name]:  # it is there, and what it imports is not
        return f"{name!r} imports it"
    return f"did you mean {close[0]!r}?" if close else ""


def _modules_in(paths: Iterable[str] | None, package: str) -> Iterator[str]:
    """The modules of a package, or of the whole search path where there is none."""
    prefix = f"{package}." if package else ""
    return (found.name for found in iter_modules(paths, prefix))
