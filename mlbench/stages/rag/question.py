"""A question: what flows from `rag.questions` into a pipeline that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["SOURCES", "Question", "Source"]

Source = Literal["passages", "database", "model"]
"""Where an answer comes from: passages of the corpus, the database, or the model alone."""

SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(frozen=True)
class Question:
    """A question with what is known of its answer.

    Parameters
    ----------
    id
        Its name in the set.
    text
        The question.
    answers
        Golden answers: an output that contains one of them is right. Empty if not known.
    passages
        Ids of golden passages: each of them has an answer. Empty if not known.
    source
        Where the answer is.
    rewriting
        Other words for it, which `rag.rewrite` adds; a search takes both.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    source: Source = "passages"
    rewriting: str = ""

    @property
    def wording(self) -> str:
        """What is searched for: the question, and its rewriting behind it.

        Examples
        --------
        >>> Question("1", "Who?", rewriting="Which person?").wording
        'Who? Which person?'
        """
        return f"{self.text} {self.rewriting}".strip()
