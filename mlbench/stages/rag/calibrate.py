"""Where `rag.grade` draws its line: calibrated on questions that no run asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlbench.stages.rag.hits import was_found
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.retrieve import search
from mlbench.stages.rag.vectors import Vectors

__all__ = ["THRESHOLD", "Calibration", "best_threshold", "calibrate"]

THRESHOLD = 0.128
"""Of the margin, for the corpus, the encoder and the held-back questions that ship:
``calibrate(vectors, held_back(), k=3).threshold``, which a test computes again."""


@dataclass(frozen=True)
class Calibration:
    """A threshold, and how well it tells searches that found the answer from those that did not.

    Parameters
    ----------
    threshold
        Searches with at least this margin are called relevant.
    balanced_accuracy
        The mean of the shares of relevant and of irrelevant searches that are called so;
        0.5 is chance.
    relevant, irrelevant
        How many there were.
    """

    threshold: float
    balanced_accuracy: float
    relevant: int
    irrelevant: int


def calibrate(vectors: Vectors, questions: Iterable[Question], k: int) -> Calibration:
    """The best threshold for questions with golden passages.

    A search is relevant if a golden passage is among its ``k`` hits. What is compared with
    the threshold is the margin of a search and not its best cosine: on the held-back
    questions that ship, the cosine tells nothing (how high it is depends on the question).

    Raises
    ------
    ValueError
        If all searches are relevant, or none is.
    """
    found = [search(vectors, each, k) for each in questions if each.passages]
    margins = [each.margin or 0.0 for each in found]
    return best_threshold(margins, [was_found(each.question, each.hits) for each in found])


def best_threshold(values: Sequence[float], relevant: Sequence[bool]) -> Calibration:
    """The threshold of the highest balanced accuracy (Youden, Cancer 3(1), 1950).

    It lies in the middle between two neighbouring values; of equally good ones the lowest.

    Raises
    ------
    ValueError
        If all values are of one kind.

    Examples
    --------
    >>> best_threshold([0.1, 0.2, 0.4, 0.5], [False, False, True, True]).balanced_accuracy
    1.0
    """
    yes = [value for value, each in zip(values, relevant, strict=True) if each]
    no = [value for value, each in zip(values, relevant, strict=True) if not each]
    if not yes or not no:
        raise ValueError("a threshold needs searches that found the answer and some that did not")
    ordered = sorted(set(values))
    cuts = [(low + high) / 2 for low, high in pairwise(ordered)]

    def accuracy(cut: float) -> float:
        above = sum(value >= cut for value in yes) / len(yes)
        return (above + sum(value < cut for value in no) / len(no)) / 2

    best = max(cuts or ordered, key=accuracy)
    return Calibration(best, accuracy(best), len(yes), len(no))
