"""Tables in LaTeX, with booktabs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mlbench.errors import OutputError
from mlbench.export.printed import Printed, printed_tables

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["escaped", "latex_of", "write_latex"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedblright{}",
    "–": "--",
    "×": r"$\times$",
    "µ": r"\textmu{}",
}
_SIGN = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")


def write_latex(source: Run | Study, directory: Path) -> list[Path]:
    r"""A file for each table, to be read with ``\input``.

    Raises
    ------
    OutputError
        If there is nothing to put into a table.
    """
    tables = printed_tables(source)
    if not tables:
        raise OutputError(f"{source.id} has no results to put into a table")
    written = []
    for table in tables:
        path = directory / f"{table.name}.tex"
        path.write_text(latex_of(table), encoding="utf-8")
        written.append(path)
    return written


def latex_of(table: Printed) -> str:
    r"""A table as a float of its own; needs ``\usepackage{booktabs}``."""
    alignment = "l" * table.words + "r" * (len(table.columns) - table.words)
    lines = [
        r"\begin{table}",
        rf"  \caption{{{escaped(table.caption)}}}",
        rf"  \label{{tab:{table.name}}}",
        r"  \centering",
        rf"  \begin{{tabular}}{{{alignment}}}",
        r"    \toprule",
        f"    {_line(table.columns)}",
        r"    \midrule",
        *(f"    {_line(row)}" for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"


def escaped(text: str) -> str:
    r"""The text with every sign that LaTeX would act on.

    Examples
    --------
    >>> print(escaped("a_b & 50 %"))
    a\_b \& 50 \%
    """
    return _SIGN.sub(lambda sign: _SPECIAL[sign[0]], text)
