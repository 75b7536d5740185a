"""Data: paragraphs of real text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, DataSource
from mlbench.stages.text.corpus import read_corpus

__all__ = ["Paragraphs"]


class Paragraphs(DataSource):
    """Paragraphs of Python's language reference, about 800, or of text files of your own.

    The reference is what Python keeps for its ``help()``, so nothing is downloaded; it
    changes a little with each release of Python. With ``path`` the paragraphs are those of
    a UTF-8 file, or of all ``.txt``, ``.md`` and ``.rst`` files below a folder: what empty
    lines divide, each once, with its lines joined.
    """

    gives: ClassVar[object] = str
    example: ClassVar[str] = "data: {uses: text.paragraphs, with: {min_characters: 150}}"

    path: str | None = Field(
        default=None, min_length=1, description="a text file or folder; default Python's reference"
    )
    min_characters: int = Field(default=150, ge=1, description="shorter paragraphs are left out")
    limit: int | None = Field(default=None, ge=1, description="paragraphs to take; default all")

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[str]]:  # noqa: ARG002
        """Yield the paragraphs."""
        yield read_corpus("text.paragraphs", self.path, self.min_characters)[: self.limit]
