"""Stage: the passages nearest to a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.hits import score_retrieval
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.vectors import Vectors

__all__ = ["MARGIN_RANK", "Retrieve", "search"]

MARGIN_RANK = 5
"""The rank that the best cosine is compared with, whatever ``k`` is: of 2 to 12, the one with
which `calibrate` tells the held-back questions apart best."""


class Retrieve(Stage):
    """The ``k`` passages whose vectors have the highest cosine with the question's.

    Of a question that was rewritten, the vector is that of both wordings together. Records
    the score ``retrieval_hit``: whether a golden passage is among them.
    """

    takes: ClassVar[object] = Question
    gives: ClassVar[object] = Found
    example: ClassVar[str] = "retrieve: {uses: rag.retrieve, with: {index: $index, k: 3}}"

    index: Ref = Field(description="a resource of rag.index")
    k: int = Field(default=3, ge=1, description="passages to find")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Question], Found]]:
        """Yield a function that retrieves."""
        vectors: Vectors = context.resource(self.index)

        def retrieve(question: Question) -> Found:
            found = search(vectors, question, self.k)
            score_retrieval(context, question, found.hits)
            return found

        yield retrieve


def search(vectors: Vectors, question: Question, k: int) -> Found:
    """The ``k`` nearest passages, with the margin of the search."""
    hits = vectors.search(question.wording, max(k, MARGIN_RANK))
    last = hits[:MARGIN_RANK][-1]
    return Found(question, tuple(hits[:k]), hits[0].score - last.score)
