"""The browser's side of each widget, as it was built: one script and one style sheet."""

from __future__ import annotations

from pathlib import Path

__all__ = ["script", "style"]

STATIC = Path(__file__).with_name("static")


def script(name: str) -> str:
    """The script of a widget."""
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")


def style(name: str) -> str:
    """The style sheet of a widget; empty where it has none."""
    path = STATIC / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
