"""Stage: the passages that share a question's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.rag.bm25 import BM25
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.hits import score_retrieval
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.vectors import Vectors

__all__ = ["Keywords"]


class Keywords(Stage):
    """The ``k`` passages with the highest BM25 score for the question's words.

    Words are compared as they stand, without stemming; function words do not count. Fewer
    passages come where fewer share a word. Records the score ``retrieval_hit``, as
    `rag.retrieve` does; after a join, that of `rag.fuse` is the last and counts.
    """

    takes: ClassVar[object] = Question
    gives: ClassVar[object] = Found
    example: ClassVar[str] = "keywords: {uses: rag.keywords, with: {index: $index, k: 10}}"

    index: Ref = Field(description="a resource of rag.index, for its passages")
    k: int = Field(default=3, ge=1, description="passages to find")
    k1: float = Field(default=1.2, ge=0, description="how soon a repeated word counts no more")
    b: float = Field(default=0.75, ge=0, le=1, description="how much long passages are held back")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Question], Found]]:
        """Yield a function that searches by words."""
        vectors: Vectors = context.resource(self.index)
        words = BM25(vectors.passages, self.k1, self.b)

        def keywords(question: Question) -> Found:
            hits = tuple(words.search(question.wording, self.k))
            score_retrieval(context, question, hits)
            return Found(question, hits)

        yield keywords
