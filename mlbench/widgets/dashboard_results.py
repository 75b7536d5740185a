"""What a run or a study says, as HTML that looks like the tables of a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from mlbench.run import Run

if TYPE_CHECKING:
    from mlbench.export.printed import Printed
    from mlbench.study.study import Study

__all__ = ["list_html", "results_html"]

COLOURS = {"VALID": "var(--jp-success-color1, green)", "INVALID": "var(--jp-error-color1, red)"}


def results_html(sources: Sequence[Run | Study]) -> str:
    """Verdict, reasons and tables of each; those that are still going have no verdict."""
    return "".join(part for source in sources for part in _parts(source))


def list_html(title: str, lines: Iterable[str]) -> str:
    """A title and lines below it, as text: nothing in them is markup."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<b>{escape(title)}</b>" + (f"<ul>{items}</ul>" if items else "")


def _parts(source: Run | Study) -> Iterator[str]:
    from mlbench.export.printed import printed_tables

    if not source.is_going:
        verdict, reasons = _verdict(source)
        style = f"color: {COLOURS[verdict]}"
        yield f"<p><b style='{style}'>{verdict}</b> <code>{escape(str(source.path))}</code></p>"
        yield "".join(f"<p>{escape(reason)}</p>" for reason in reasons)
    yield from map(_table, printed_tables(source))


def _verdict(source: Run | Study) -> tuple[str, Sequence[str]]:
    if isinstance(source, Run):
        summary = source.summary()
        return summary["verdict"], summary["reasons"]
    found = source.verdict()
    return str(found), found.reasons


def _table(table: Printed) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(_row(cells, table.words) for cells in table.rows)
    return (
        f"<table style='margin-left: 0'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><small>{escape(table.caption)}</small></p>"
    )


def _row(cells: Sequence[str], words: int) -> str:
    """The columns of words left, those of numbers right, as they are read."""
    sides = ("left" if place < words else "right" for place in range(len(cells)))
    parts = (
        f"<td style='text-align: {side}'>{escape(cell)}</td>"
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(parts)}</tr>"
