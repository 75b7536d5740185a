"""Stage: other words for a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.question import Question
from mlbench.stages.text.language_model import LanguageModel

__all__ = ["Rewrite"]

PROMPT = "Rewrite this question in other words, as one short question: {text}"


class Rewrite(Stage):
    """The question with other words behind it, which the language model writes.

    The next search takes both, as in query expansion by a language model (Wang, Yang and
    Wei, Query2doc, EMNLP 2023): a bad rewriting then spoils less. On a second visit the
    model rewrites what was searched for, so that it does not say the same again.
    """

    takes: ClassVar[object] = Found
    gives: ClassVar[object] = Question
    example: ClassVar[str] = (
        "rewrite: {uses: rag.rewrite, with: {lm: $lm}, to: retrieve, max_visits: 2, then: generate}"
    )

    lm: Ref = Field(description="a resource of text.model")
    max_new_tokens: int = Field(default=24, ge=1, description="where a rewriting is cut off")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Found], Question]]:
        """Yield a function that rewrites."""
        model: LanguageModel = context.resource(self.lm)

        def rewrite(found: Found) -> Question:
            prompt = PROMPT.format(text=found.question.wording)
            written = model.generate(prompt, max_new_tokens=self.max_new_tokens)
            return replace(found.question, rewriting=" ".join(written.text.split()))

        yield rewrite
