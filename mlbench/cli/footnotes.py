"""Footnotes: each reason once, numbered in the order in which it is met."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from mlbench.cli.text import plain

__all__ = ["Footnotes"]

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Footnotes:
    """The reasons below a table, as far as its cells have asked for them."""

    def __init__(self) -> None:
        self._reasons: dict[str, int] = {}

    def cell(self, shown: str | None, reason: str | None) -> Text:
        """A number with the mark of its reason; a dash where there is no number."""
        text = Text("-" if shown is None else shown, style="dim" if shown is None else "")
        if reason is not None:
            number = self._reasons.setdefault(reason, len(self._reasons) + 1)
            text.append(_mark(number), style="dim")
        return text

    def lines(self) -> Iterator[Text]:
        """The footnotes."""
        for reason, number in self._reasons.items():
            yield Text(f"{_mark(number)} {plain(reason)}", style="dim")


def _mark(number: int) -> str:
    return str(number).translate(_SUPERSCRIPT)
