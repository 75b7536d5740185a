"""The font that the figures are set in: it ships with mlbench, so that every machine has it.

vl-convert measures and embeds fonts itself. Where a family is missing it draws another one,
or none of the text at all, and says nothing: `mlbench.figures.checks` looks afterwards.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlbench.errors import FigureError, MissingExtraError

__all__ = ["FALLBACK", "FAMILY", "FILES", "STACK", "register_fonts"]

FAMILY = "Source Sans Pro"
FALLBACK = "sans-serif"
STACK = f"{FAMILY}, Helvetica, Arial, {FALLBACK}"
"""What a browser may take instead: a notebook's page does not have the bundled files."""

FOLDER = Path(__file__).with_name("fonts")
FILES = {400: FOLDER / "SourceSansPro-Regular.ttf", 600: FOLDER / "SourceSansPro-Semibold.ttf"}
"""The bundled files by their weight."""


@cache
def register_fonts() -> None:
    """Make the bundled font known to vl-convert, once in a process.

    Raises
    ------
    MissingExtraError
        If vl-convert is not installed.
    FigureError
        If a file of the font is missing.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise MissingExtraError("saving a figure", "figures", error) from None
    gone = [path.name for path in FILES.values() if not path.is_file()]
    if gone:
        raise FigureError(
            f"the font {FAMILY} is not where mlbench keeps it ({', '.join(gone)} is missing), and "
            f"text would be set in {FALLBACK}: pip install --force-reinstall mlbench"
        )
    vl_convert.register_font_directory(str(FOLDER))
