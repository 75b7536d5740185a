"""A paragraph of a docstring as people read it: words in backticks stand out."""

from __future__ import annotations

import re

from rich.text import Text

from mlbench.cli.text import plain

__all__ = ["prose"]

_CODE = re.compile(r"(``?)(.+?)\1")


def prose(paragraph: str) -> Text:
    """The paragraph on one line, to be wrapped; indented lines stay as they are."""
    lines = paragraph.splitlines()
    if any(line.startswith(" ") for line in lines):
        return Text("\n".join(plain(line) for line in lines))
    text, joined, end = Text(), plain(" ".join(lines)), 0
    for match in _CODE.finditer(joined):
        text.append(joined[end : match.start()])
        text.append(match[2], style="cyan")
        end = match.end()
    return text.append(joined[end:])
