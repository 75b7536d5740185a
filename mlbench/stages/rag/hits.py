"""The scores of this family: was the golden passage found, was the golden answer given."""

from __future__ import annotations

from collections.abc import Iterable

from mlbench.interfaces.stage import Context
from mlbench.stages.rag.passage import Hit
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.words import contains

__all__ = ["score_answer", "score_retrieval", "was_found"]


def was_found(question: Question, hits: Iterable[Hit]) -> bool:
    """Whether a golden passage of the question is among the hits."""
    return any(hit.passage.id in question.passages for hit in hits)


def score_retrieval(context: Context, question: Question, hits: Iterable[Hit]) -> None:
    """Record ``retrieval_hit``, 1 or 0, where the question's golden passages are known."""
    if question.passages:
        context.score("retrieval_hit", was_found(question, hits))


def score_answer(context: Context, question: Question, text: str) -> None:
    """Record ``golden_hit``, 1 or 0, where a golden answer is known.

    It is 1 if a normalised golden answer stands in the normalised text.
    """
    if question.answers:
        context.score("golden_hit", any(contains(text, each) for each in question.answers))
