"""What a notebook shows of a widget where no widget can be: saved, mailed, on a web page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["facts_table", "plain_table", "still"]

SCALE = 1.5
"""Pixels of the picture for each of the figure: enough for a screen, small in a file."""


def still(draw: Callable[[], Any]) -> str | None:  # Any: a chart
    """A figure as PNG in base64; null where vl-convert is missing, or there is nothing to draw."""
    from mlbench.errors import MlbenchError

    try:
        import vl_convert
    except ImportError:
        return None
    try:
        specification = draw().to_dict(validate=False)
    except MlbenchError:  # no samples yet: nothing to draw
        return None
    png = vl_convert.vegalite_to_png(specification, scale=SCALE)
    return b64encode(png).decode("ascii")


def facts_table(title: str, facts: Mapping[str, object]) -> str:
    """Names and values as HTML, in which both are text and never markup."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"


def plain_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as HTML, in which every cell is text and never markup."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left'>{escape(str(cell))}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
