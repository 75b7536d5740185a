"""Names, outputs and logs as data: nothing in them reaches the terminal as an instruction."""

from __future__ import annotations

import re

__all__ = ["one_line", "plain"]

_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def plain(text: str) -> str:
    r"""The text without colours, other control characters as their escapes; one line.

    Examples
    --------
    >>> plain("a\x1b[31mb\x07c")
    'ab\\x07c'
    """
    text = _COLOURS.sub("", text)
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return "  " if character == "\t" else character.encode("unicode_escape").decode()


def one_line(text: str, width: int) -> str:
    """The plain text, cut to ``width`` characters.

    Examples
    --------
    >>> one_line("abcdef", 4)
    'abc…'
    """
    text = plain(text[: 4 * width])
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
