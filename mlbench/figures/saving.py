"""Saving: a file of exact width, checked, with a sidecar that says what it is made from."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

from mlbench import __version__
from mlbench.errors import FigureError, OutputError, nearest
from mlbench.figures.checks import Finding, findings_of
from mlbench.figures.picture import fitted_svg, pdf_of, png_of
from mlbench.figures.vega_lite import vega_lite
from mlbench.figures.venue import Theme, theme

__all__ = ["FigureWarning", "Saved", "preflight", "save"]

FORMATS = (".pdf", ".svg", ".png")
ALTAIRS = (".html", ".json")
"""Formats that Altair writes itself, without a width, preflight or sidecar."""

PACKAGES = ("altair", "vl-convert-python", "pikepdf", "pandas")


class FigureWarning(UserWarning):
    """Something about a saved figure that a reader of the paper would mind."""


@dataclass(frozen=True)
class Saved:
    """A figure on disk.

    Parameters
    ----------
    path, sidecar
        The file, and the JSON document beside it.
    findings
        What preflight said; warnings only, an error leaves no file.
    """

    path: Path
    sidecar: Path
    findings: tuple[Finding, ...]


def save(
    chart: Any,  # Any: any chart of Altair's
    path: str | PathLike[str],
    venue: str | float | Theme | None = None,
    columns: int = 1,
    *,
    dots_per_inch: float = 300,
) -> Saved:
    r"""Save a chart as PDF, SVG or PNG, without a browser.

    The page is exactly as wide as the venue's column, the same data gives the same bytes, and
    preflight runs: an error (text without a glyph, a font that is not there) leaves no file,
    anything less is a `FigureWarning`. Beside the file stands ``FILE.json`` with the ids of
    the runs, hashes of data and spec, and versions, and, for a figure of mlbench, ``STEM.txt``
    with its caption.

    Parameters
    ----------
    chart
        A figure of mlbench, or any chart of Altair's.
    path
        Ends in ``.pdf``, ``.svg`` or ``.png``; ``.html`` and ``.json`` are left to Altair.
    venue
        Default: what the figure was drawn for, but ``acmart`` for a PDF of one that was drawn
        for the screen. A figure that was not changed is drawn anew; of another chart the
        fonts, lines and width change.
    columns
        1 or 2.
    dots_per_inch
        Of a PNG.

    Raises
    ------
    FigureError
        If the picture cannot be made, or preflight finds an error.
    OutputError
        If the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind in ALTAIRS:
        _save_by_altair(chart, target)
        return Saved(target, target, ())
    if kind not in FORMATS:
        raise FigureError(f"a figure is saved as .pdf, .svg or .png ({nearest(kind, FORMATS)})")
    made = _made(chart, _venue_of(chart, kind, venue, columns), target.stem)
    _judge(made.findings, target)
    data = {".pdf": made.pdf, ".svg": made.svg.encode()}.get(kind)
    data = png_of(made.svg, dots_per_inch) if data is None else data
    sidecar = target.with_name(f"{target.name}.json")
    about = _sidecar(made, data, target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        sidecar.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if caption := about["caption"]:
            target.with_suffix(".txt").write_text(caption + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from None
    return Saved(target, sidecar, made.findings)


def preflight(
    chart: Any,  # Any: any chart of Altair's
    venue: str | float | Theme | None = None,
    columns: int = 1,
) -> list[Finding]:
    """What a venue, a printer or a reader would find wrong with a chart, without saving it.

    Fonts that are missing or not embedded, text that the PDF lacks, a page of another width,
    text that is too small, lines that are too thin, lines that only their hue tells apart;
    and of a figure of mlbench that it is made from something INVALID, or from too little.

    Returns
    -------
    list
        Errors first; each says what to change. Empty where nothing is wrong.
    """
    return list(_made(chart, _venue_of(chart, ".pdf", venue, columns), "figure").findings)


VEGA_LITE = "application/vnd.vegalite.v5+json"
"""What JupyterLab 4 and Notebook 7 draw themselves, offline and with tooltips."""


VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

ROOM = 16
"""Points beside a chart that a page draws with a wider font than the one it was laid out with."""


def shown(chart: Any) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:  # Any: a chart, JSON
    """A chart as a notebook shows it, by type, and the size of its picture in points.

    JupyterLab draws Vega-Lite with the scripts that it brings along; all else shows the PNG,
    of two pixels a point.
    """
    chosen = _venue_of(chart, ".png", None, 1)
    spec = _specification(_drawn(chart, chosen), chosen)
    svg = fitted_svg(spec, chosen.width)
    live = {**spec, "$schema": VEGA_LITE_SCHEMA, "padding": _roomier(spec.get("padding"))}
    return {VEGA_LITE: live, "image/png": png_of(svg, 144)}, {
        "image/png": {"width": round(chosen.width)}
    }


def _roomier(padding: Any) -> dict[str, float]:  # Any: JSON, a number or one for each side
    sides = ("left", "top", "right", "bottom")
    found = padding if isinstance(padding, dict) else dict.fromkeys(sides, padding or 0)
    return {side: found.get(side, 0) + (ROOM if side in ("left", "right") else 0) for side in sides}


@dataclass(frozen=True)
class Made:
    """A chart as a picture."""

    spec: Mapping[str, Any]  # Any: JSON
    theme: Theme
    svg: str
    pdf: bytes
    findings: tuple[Finding, ...]


def _made(chart: Any, chosen: Theme, name: str) -> Made:  # Any: a chart
    spec = _specification(_drawn(chart, chosen), chosen)
    svg = fitted_svg(spec, chosen.width)
    pdf = pdf_of(svg, str(_provenance(spec).get("title") or name))
    findings = (*findings_of(svg, pdf, chosen), *_of_data(spec))
    return Made(spec, chosen, svg, pdf, findings)


def _of_data(spec: Mapping[str, Any]) -> Iterator[Finding]:  # Any: JSON
    """What is wrong with what a figure is made from."""
    about = _provenance(spec)
    for text in (about.get("invalid"), *about.get("findings", ())):
        if text:
            yield Finding("warning", text.rstrip("."))


def _save_by_altair(chart: Any, target: Path) -> None:  # Any: a chart
    import altair as alt

    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".html":
        alt.TopLevelMixin.save(chart, target, inline=True)
    else:
        alt.TopLevelMixin.save(chart, target)


def _venue_of(
    chart: Any,  # Any: a chart
    kind: str,
    venue: str | float | Theme | None,
    columns: int,
) -> Theme:
    if venue is not None:
        return theme(venue, columns)
    own = getattr(chart, "_theme", None)
    if isinstance(own, Theme) and not (own.on_screen and kind == ".pdf"):
        return own
    return theme("screen" if kind == ".png" else "acmart", columns)


def _drawn(chart: Any, chosen: Theme) -> Any:  # Any: charts
    """The chart for that theme: drawn anew where it knows how."""
    redraw = getattr(chart, "_redraw", None)
    if redraw is None or getattr(chart, "_theme", None) == chosen:
        return chart
    return redraw(chosen)


def _specification(chart: Any, chosen: Theme) -> dict[str, Any]:  # Any: a chart, JSON
    """The chart as Vega-Lite, in the fonts and lines of the theme."""
    import altair as alt

    if not isinstance(chart, alt.TopLevelMixin):
        raise FigureError(f"expected a chart of Altair's, got {type(chart).__name__}")
    spec = vega_lite(chart)
    if "mlbench" not in spec.get("usermeta", {}):
        spec["config"] = _merged(chosen.config(), spec.get("config", {}))
    return spec


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The configuration ``base`` with what ``over`` adds or replaces, one level deep."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        merged[key] = {**base[key], **value} if both else value
    return merged


def _judge(findings: tuple[Finding, ...], target: Path) -> None:
    errors = [finding.text for finding in findings if finding.severity == "error"]
    if errors:
        raise FigureError(f"{target.name} is not saved: " + "\n".join(errors))
    for finding in findings:
        warnings.warn(f"{target.name}: {finding.text}", FigureWarning, stacklevel=4)


def _provenance(spec: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: JSON
    found: Mapping[str, Any] = spec.get("usermeta", {}).get("mlbench", {})
    return found


def _sidecar(made: Made, data: bytes, target: Path) -> dict[str, Any]:  # Any: JSON
    spec, chosen = made.spec, made.theme
    about = _provenance(spec)
    return {
        "file": target.name,
        "figure": about.get("figure"),
        "title": about.get("title"),
        "caption": about.get("caption", ""),
        "runs": list(about.get("runs", ())),
        "spec_hash": about.get("spec_hash", ""),
        "data_sha256": _digest(_canonical(spec.get("datasets", spec.get("data", {})))),
        "file_sha256": _digest(data),
        "venue": {"name": chosen.name, "width_pt": round(chosen.width, 4)},
        "preflight": [str(finding) for finding in made.findings],
        "versions": {"mlbench": __version__, **_versions()},
    }


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
