"""The page: one HTML file with its scripts, font and data inside, which works offline."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from html import escape
from os import PathLike
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from mlbench import __version__
from mlbench.errors import MissingExtraError, OutputError
from mlbench.export.printed import Printed, printed_tables
from mlbench.figures.font import FILES
from mlbench.figures.vega_lite import vega_lite
from mlbench.report.sections import Section, sections_of
from mlbench.report.standard import standard_figures

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["report"]

TEMPLATE = Path(__file__).with_name("page.html")
NUMBERS = "–0123456789<"


def report(source: Run | Study, path: str | PathLike[str]) -> Path:
    """Write a run or a study as one self-contained HTML page.

    It reads like a section on results: setup, verdict, tables, figures that one can zoom and
    point at, environment, how to reproduce. Everything is in the file; it loads nothing.

    Parameters
    ----------
    path
        The file, ``.html``.

    Raises
    ------
    OutputError
        If it cannot be written.
    MissingExtraError
        If vl-convert is not installed, which brings the scripts.
    """
    target = Path(path)
    with _writing(target):  # drawing takes its time: what cannot be written is said before
        target.parent.mkdir(parents=True, exist_ok=True)
        target.open("a").close()
    try:
        html = _html(source)
    except BaseException:  # an interrupt, too: no empty file stays behind
        _forget_empty(target)
        raise
    with _writing(target):
        target.write_text(html, encoding="utf-8")
    return target


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from None


def _forget_empty(target: Path) -> None:
    """Remove what only showed that it can be written; a page that was there stays."""
    if not target.stat().st_size:
        target.unlink()


def _html(source: Run | Study) -> str:
    charts, parts = [], []
    for number, drawn in enumerate(standard_figures(source)):
        if drawn.chart is None:
            parts.append(f'<p class="missing">{escape(drawn.reason)}</p>')
            continue
        spec = _specification(drawn.chart)
        charts.append((f"figure-{number}", spec))
        parts.append(_figure(number, drawn.name, spec["usermeta"]["mlbench"]))
    before, after = sections_of(source)
    body = [
        *(_section(section) for section in before),
        '<section id="tables"><h2>Tables</h2>',
        *(_table(table) for table in printed_tables(source)),
        "</section>",
        '<section id="figures"><h2>Figures</h2>',
        *parts,
        "</section>",
        *(_section(section) for section in after),
    ]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{source.bench.name} – {source.id}"),
        fonts=_fonts(),
        body="\n".join(body),
        bundle=_bundle(),
        charts=_inert(json.dumps(charts, ensure_ascii=False)),
        version=escape(__version__),
    )


def _specification(chart: Any) -> dict[str, Any]:  # Any: a chart, JSON
    spec = vega_lite(chart)
    spec.pop("title", None)  # the page has it, as text that can be searched
    return spec


def _inert(script: str) -> str:
    """JSON that a script element can hold: nothing in it ends the element."""
    return script.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    try:
        import vl_convert
    except ImportError as error:
        raise MissingExtraError("a report", "figures", error) from None
    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # it has a default.replace("</script", "<\\/script")


def _fonts() -> str:
    faces = [
        "@font-face{font-family:'Source Sans Pro';font-weight:"
        f"{weight};src:url(data:font/ttf;base64,{b64encode(path.read_bytes()).decode()})}}"
        for weight, path in FILES.items()
    ]
    return "\n".join(faces)


# -- parts of the page -------------------------------------------------------------------


def _section(section: Section) -> str:
    """Heading, paragraphs, pairs of name and value, and text as it is."""
    lines = [f'<section id="{escape(section.id, quote=True)}">']
    lines.append(f"<h2>{escape(section.title)}</h2>")
    if section.badge:
        lines.append(f'<p class="badge {section.badge.lower()}">{escape(section.badge)}</p>')
    lines += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    if section.items:
        lines.append("<ul>" + "".join(f"<li>{escape(t)}</li>" for t in section.items) + "</ul>")
    if section.facts:
        lines.append("<dl>")
        lines += [f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in section.facts]
        lines.append("</dl>")
    lines += [f"<pre>{escape(text)}</pre>" for text in section.listings]
    return "\n".join([*lines, "</section>"])


def _table(table: Printed) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "\n".join(_row(row, table.words) for row in table.rows)
    return (
        f"<figure class='table'><figcaption>{escape(table.caption)}</figcaption>"
        f"<table class='words-{table.words}'><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></figure>"
    )


def _row(cells: tuple[str, ...], words: int) -> str:
    parts: Iterator[str] = (
        f"<td{'' if place < words else ' class=number'}>{escape(cell)}</td>"
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(parts)}</tr>"


def _figure(number: int, name: str, about: Mapping[str, Any]) -> str:  # Any: JSON
    return (
        f"<figure><h3>{escape(about['title'])}</h3><div id='figure-{number}' class='chart' "
        f"role='img' aria-label='{escape(name, quote=True)}'></div>"
        f"<figcaption>{escape(about['caption'])}</figcaption></figure>"
    )
