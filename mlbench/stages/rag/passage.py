"""A passage of a corpus, and a passage that was found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hit", "Passage"]


@dataclass(frozen=True)
class Passage:
    """A paragraph of a corpus.

    Parameters
    ----------
    id
        Its name in the corpus; questions name the passages that answer them by it.
    text
        What it says.
    """

    id: str
    text: str


@dataclass(frozen=True)
class Hit:
    """A passage that a search found.

    Parameters
    ----------
    score
        By which the search orders: a cosine, BM25 or reciprocal ranks; higher is better.
    """

    passage: Passage
    score: float
