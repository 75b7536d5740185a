"""The corpus: passages that ship with mlbench, or those of a user's own file or folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from mlbench.errors import MlbenchError
from mlbench.stages.rag.passage import Passage
from mlbench.stages.rag.shipped import read_lines, shipped
from mlbench.stages.text.corpus import read_corpus

__all__ = ["LINES", "passages_of"]

LINES = (".jsonl", ".ndjson")
"""Suffixes of files that hold one JSON object a line."""

MIN_CHARACTERS = 150
"""Of a paragraph of plain text: what is shorter is mostly headings."""


def passages_of(stage: str, path: str | None) -> list[Passage]:
    """The passages of a corpus, in its order.

    Without a path, 444 paragraphs of the language reference and the library of Python
    3.12, of 220 to 900 characters: a fixed snapshot, so that golden passages are the same
    under every Python.

    Parameters
    ----------
    stage
        Who asks, for the messages.
    path
        Lines of JSON, ``{"id": ..., "text": ...}``, in a file that ends with ``.jsonl``; or
        a text file, or a folder of them, whose paragraphs get the ids ``1``, ``2``, ...

    Raises
    ------
    MlbenchError
        If there is no such file, it is not text, holds no passage, or an id twice.
    """
    if path is None:
        return read_lines(stage, shipped("python_topics.jsonl"), _passage, "")
    file = Path(path).expanduser()
    if file.suffix.lower() not in LINES:
        texts = read_corpus(stage, path, MIN_CHARACTERS)
        return [Passage(str(number), text) for number, text in enumerate(texts, 1)]
    passages = read_lines(stage, file, _passage, 'an object such as {"id": "a1", "text": "..."}')
    _check(stage, file, passages)
    return passages


def _passage(row: dict[str, Any], number: int) -> Passage:
    text = row["text"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError("its text is no text, or empty")
    return Passage(str(row.get("id", number)), text)


def _check(stage: str, path: Path, passages: list[Passage]) -> None:
    if not passages:
        raise MlbenchError(f"{stage} found no passage in {path}: it has no lines")
    ((id_, count),) = Counter(each.id for each in passages).most_common(1)
    if count > 1:
        raise MlbenchError(f"{stage} found {count} passages with the id {id_!r} in {path}")
