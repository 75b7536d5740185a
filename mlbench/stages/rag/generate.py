"""Stage: a language model answers from what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.rag.answer import Answer, answer_from
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.hits import score_answer
from mlbench.stages.rag.question import Question
from mlbench.stages.text.language_model import LanguageModel
from mlbench.stages.text.token_events import TokenEvents

__all__ = ["Generate", "prompt_for"]

SYSTEM = "Answer the question in a few words, from the context if there is one."


class Generate(Stage):
    """The answer of a language model to a question, from the passages that were found.

    A question that comes without passages is answered by the model alone. Tokens are the
    events ``first_token`` and ``token``, as of `text.generate`. Records the score
    ``golden_hit``: whether the normalised answer contains a golden one.
    """

    takes: ClassVar[object] = Found | Question
    gives: ClassVar[object] = Answer
    example: ClassVar[str] = "generate: {uses: rag.generate, with: {lm: $lm, max_new_tokens: 24}}"

    lm: Ref = Field(description="a resource of text.model")
    max_new_tokens: int = Field(default=24, ge=1, description="where an answer is cut off")
    system: str = Field(default=SYSTEM, description="the instruction before the prompt")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Found | Question], Answer]]:
        """Yield a function that answers."""
        model: LanguageModel = context.resource(self.lm)

        def generate(asked: Found | Question) -> Answer:
            written = model.generate(
                prompt_for(asked),
                max_new_tokens=self.max_new_tokens,
                system=self.system,
                on_token=TokenEvents(context),
            )
            answer = answer_from(asked, written.text.strip())
            score_answer(context, _question(asked), answer["answer"])
            return answer

        yield generate


def prompt_for(asked: Found | Question) -> str:
    """The passages, if there are any, and the question as it was asked at first.

    Examples
    --------
    >>> prompt_for(Question("1", "Who?"))
    'Question: Who?'
    """
    question = f"Question: {_question(asked).text}"
    if isinstance(asked, Question):
        return question
    return "\n\n".join(("Context:", *asked.texts, question))


def _question(asked: Found | Question) -> Question:
    return asked.question if isinstance(asked, Found) else asked
