"""BM25: how well the words of a question fit a passage."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

from mlbench.stages.rag.passage import Hit, Passage
from mlbench.stages.rag.words import FUNCTION_WORDS

__all__ = ["BM25"]

_WORD = re.compile(r"\w+")


class BM25:
    """A keyword index of passages.

    The score of a passage is the sum over the question's words of
    ``idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))`` with
    ``idf = log(1 + (N - n + 0.5) / (n + 0.5))``: Robertson and Zaragoza, The Probabilistic
    Relevance Framework, 2009, with the idf of Lucene, which is never negative.

    Examples
    --------
    >>> index = BM25([Passage("a", "a red rose"), Passage("b", "a blue sky")], k1=1.2, b=0.75)
    >>> [hit.passage.id for hit in index.search("roses are red", 3)]
    ['a']
    """

    def __init__(self, passages: Sequence[Passage], k1: float, b: float) -> None:
        self._passages = passages
        counts = [Counter(_terms(each.text)) for each in passages]
        mean = sum(count.total() for count in counts) / len(counts) or 1.0
        self._weights: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for row, count in enumerate(counts):
            longer = k1 * (1 - b + b * count.total() / mean)
            for term, often in count.items():
                self._weights[term].append((row, often * (k1 + 1) / (often + longer)))

    def search(self, text: str, k: int) -> list[Hit]:
        """The ``k`` passages of the highest score, the best first; only those above zero."""
        scores: dict[int, float] = defaultdict(float)
        for term in _terms(text):
            weights = self._weights.get(term, ())
            idf = log(1 + (len(self._passages) - len(weights) + 0.5) / (len(weights) + 0.5))
            for row, weight in weights:
                scores[row] += idf * weight
        best = sorted(scores, key=lambda row: (-scores[row], row))[:k]
        return [Hit(self._passages[row], scores[row]) for row in best]


def _terms(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in FUNCTION_WORDS]
