"""What a package brings beside its code: models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["packaged"]


def packaged(module: str, pattern: str) -> Path | None:
    """The first file or folder in an installed package that fits, if there is one.

    The package is not imported: that may load a library which nobody wants here.
    """
    spec = find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob(pattern)):
            return path
    return None
