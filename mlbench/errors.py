"""The errors that mlbench raises, as one tree.

.. code-block:: text

    MlbenchError
    ├── SpecError            a spec that cannot run; carries every problem at once
    ├── RegistryError        a plugin that collides with another, or does not load
    ├── NotARunError         a path that holds no run, or one that cannot be read
    ├── OutputError          a directory for runs that cannot be made or written
    ├── EngineError          the engine did not start, or ended before the run began
    ├── MissingExtraError    an optional package is not installed
    ├── FigureError          a figure that cannot be drawn or saved as it was asked for
    ├── PipelineError        ends the pipeline that raised it: no query of it can succeed
    └── QueryError           ends one query, never the run
        ├── JoinError        a join that cannot get all its branches
        └── RouteError       a router that named an output it does not have

A message says what was wrong, what was there, and what to type next.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

__all__ = [
    "EngineError",
    "FigureError",
    "JoinError",
    "MissingExtraError",
    "MlbenchError",
    "NotARunError",
    "OutputError",
    "PipelineError",
    "Problem",
    "QueryError",
    "RegistryError",
    "RouteError",
    "SpecError",
    "nearest",
]

Path = tuple["str | int", ...]

LISTED = 8
"""Known names that a message lists."""


class MlbenchError(Exception):
    """Base of all errors that a user can cause or meet."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it, by IPython's protocol: where it was raised helps nobody."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Problem:
    """One mistake in a spec: where it is, what was expected, the nearest valid name.

    Parameters
    ----------
    path
        Keys and indices from the top of the spec, ``("pipelines", "rag", "load")``.
    message
        What is wrong and what was expected, without a full stop.
    hint
        What to write instead; empty where there is nothing near.
    file, line, column
        Where it stands, line and column from 1; null for specs made in Python.
    """

    path: Path
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def key(self) -> str:
        """The path in dotted form, ``pipelines.rag.load``."""
        return ".".join(str(part) for part in self.path)

    def at(self, file: str | None, line: int | None, column: int | None) -> Problem:
        """The same problem with its place in a file."""
        return replace(self, file=file, line=line, column=column)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        where = f"{place}: " if place else ""
        key = f"{self.key}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{key}{self.message}{hint}"


class SpecError(MlbenchError):
    """A spec that cannot run, with every problem found in it.

    Parameters
    ----------
    problems
        At least one, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RegistryError(MlbenchError):
    """A plugin that collides with another one, or whose module does not import."""

    def _render_traceback_(self) -> list[str]:
        """The module's own error first: its author looks for the line."""
        cause = [] if self.__cause__ is None else traceback.format_exception(self.__cause__)
        return [*cause, *super()._render_traceback_()]


class NotARunError(MlbenchError):
    """A path that holds no run, or a run that cannot be read."""


class OutputError(MlbenchError):
    """A directory for runs that cannot be made or written."""


class EngineError(MlbenchError):
    """The engine did not start, or ended before the run began."""


class MissingExtraError(MlbenchError):
    """A stage needs a package that is not installed; says what to type.

    Parameters
    ----------
    what
        The stage or command that needs it.
    extra
        The extra of mlbench that brings it.
    cause
        The import error itself.
    """

    def __init__(self, what: str, extra: str, cause: ImportError) -> None:
        super().__init__(
            f"{what} needs the package {cause.name or cause}, which is not installed: "
            f"pip install 'mlbench[{extra}]'"
        )


class PipelineError(MlbenchError):
    """Ends the pipeline that raised it, because no further query of it can succeed."""


class FigureError(MlbenchError):
    """A figure that cannot be drawn from what there is, or not be saved as it was asked for."""


class QueryError(MlbenchError):
    """Ends the query that raised it; the run goes on."""


class JoinError(QueryError):
    """A join that got two branches from one stage, or will never get them all."""


class RouteError(QueryError):
    """A router that named an output which it does not have."""


def nearest(name: str, known: Iterable[str], command: str = "") -> str:
    """A hint that names the known word nearest to ``name``, or lists eight of them.

    Parameters
    ----------
    command
        What lists the others, where there are more.

    Examples
    --------
    >>> nearest("stgaes", ["stages", "load"])
    "did you mean 'stages'?"
    >>> nearest("x", map(str, range(10)), "mlbench stages")
    'known: 0, 1, 2, 3, 4, 5, 6, 7, and 2 more: `mlbench stages` lists all'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return ""
    listed = ", ".join(names[:LISTED])
    more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
    all_of_them = f": `{command}` lists all" if more and command else ""
    return f"known: {listed}{more}{all_of_them}"
