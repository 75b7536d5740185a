"""The formats that a run or a study is exported to, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlbench.errors import OutputError, nearest

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["FORMATS", "export"]

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "perfetto": "a trace of spans, flows and counters, for ui.perfetto.dev",
        "csv": "a file for each table",
        "parquet": "the same, compressed and with types",
        "latex": "tables with booktabs",
    }
)
"""The names, and what each is."""

Export = Callable[["Run | Study", Path], list[Path]]


def export(source: Run | Study, to: str, out: str | PathLike[str]) -> list[Path]:
    """Write a run or a study in one of `FORMATS`.

    Parameters
    ----------
    source
        What is exported.
    to
        Name of the format.
    out
        Directory that gets the files; made if it is not there.

    Returns
    -------
    list
        The files.

    Raises
    ------
    OutputError
        If there is no such format, or the files cannot be written.
    """
    if to not in FORMATS:
        raise OutputError(f"there is no format {to!r} ({nearest(to, FORMATS)})")
    module = "tables" if to in ("csv", "parquet") else to
    write: Export = getattr(import_module(f"mlbench.export.{module}"), f"write_{to}")
    directory = Path(out)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return write(source, directory)
    except OSError as error:
        raise OutputError(f"cannot write {directory}: {error.strerror or error}") from None
