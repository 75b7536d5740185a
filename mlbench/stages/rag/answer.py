"""An answer: what a pipeline of this family gives in the end."""

from __future__ import annotations

from typing import TypedDict

from mlbench.stages.rag.found import Found
from mlbench.stages.rag.question import Question, Source

__all__ = ["Answer", "Support", "answer_from"]


class Support(TypedDict):
    """A passage that an answer was made from."""

    id: str
    text: str


class Answer(TypedDict, total=False):
    """An answer with what it was made from, as it goes into ``outputs.jsonl``.

    Parameters
    ----------
    question, answer
        Texts.
    source
        Where it came from.
    golden
        The golden answers.
    rewriting
        The other words that were searched for, too; empty without.
    statement
        The SQL that gave it; only of the source ``database``.
    passages
        What stood in the prompt; only of the source ``passages``.
    grounded
        The share of the answer's content words that stand in the passages; null where that
        says nothing. Only after `rag.check_grounding`.
    """

    question: str
    answer: str
    source: Source
    golden: list[str]
    rewriting: str
    statement: str | None
    passages: list[Support]
    grounded: float | None


def answer_from(asked: Found | Question, text: str) -> Answer:
    """The answer that a model wrote, from passages or alone."""
    question = asked.question if isinstance(asked, Found) else asked
    answer = Answer(
        question=question.text,
        answer=text,
        source="passages" if isinstance(asked, Found) else "model",
        golden=list(question.answers),
        rewriting=question.rewriting,
    )
    if isinstance(asked, Found):
        passages = [hit.passage for hit in asked.hits]
        answer["passages"] = [Support(id=each.id, text=each.text) for each in passages]
    return answer
