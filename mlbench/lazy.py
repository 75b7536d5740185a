"""Names of a package that load the module they stand in when they are used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazily"]


def lazily(
    package: str, home: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package whose names load what they need.

    Parameters
    ----------
    package
        Its ``__name__``.
    home
        For each name the module of the package that has it.

    Examples
    --------
    ::

        __getattr__, __dir__ = lazily(__name__, {"slowdown": "charts.slowdown"})
    """

    def loaded(name: str) -> object:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)  # from now on it is found without this
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return loaded, listed
