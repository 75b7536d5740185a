"""Stage: a router that says whether what was found will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from mlbench.errors import QueryError
from mlbench.interfaces.stage import Context, Ref, Route, Stage
from mlbench.stages.rag.calibrate import THRESHOLD
from mlbench.stages.rag.found import Found
from mlbench.stages.text.language_model import LanguageModel

__all__ = ["Grade"]

SYSTEM = "You decide whether a text answers a question. Say yes or no."
PROMPT = "Text:\n{text}\n\nQuestion: {question}\n\nDoes the text answer the question?"


class Grade(Stage):
    """Sends a search on as ``relevant``, or as ``irrelevant``.

    By ``margin``, without a model: relevant if the best cosine of the search stands at
    least ``threshold`` above the fifth best. The default is calibrated on held-back
    questions, for the shipped corpus and encoder (`calibrate` finds one for yours). It is a
    cheap guess: its balanced accuracy is 0.76 on those, and 0.66 on the questions asked.

    By ``model``, the language model ``lm`` is asked of each passage in turn; relevant as
    soon as it says yes.
    """

    takes: ClassVar[object] = Found
    outputs: ClassVar[Mapping[str, object]] = {"relevant": Found, "irrelevant": Found}
    example: ClassVar[str] = (
        "grade:\n  uses: rag.grade\n  with: {by: margin}\n"
        "  to: {relevant: generate, irrelevant: rewrite}"
    )

    by: Literal["margin", "model"] = "margin"
    threshold: float = Field(default=THRESHOLD, ge=0, le=2, description="of the margin, a cosine")
    lm: Ref | None = Field(default=None, description="a resource of text.model")

    @model_validator(mode="after")
    def _model_is_there(self) -> Grade:
        if self.by == "model" and self.lm is None:
            raise ValueError("by: model needs a language model, lm: $lm")
        return self

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Found], Route]]:
        """Yield the router."""
        will_do = self._stands_out
        if self.by == "model":
            will_do = partial(_says_yes, context.resource(str(self.lm)))

        def grade(found: Found) -> Route:
            return Route("relevant" if will_do(found) else "irrelevant", found)

        yield grade

    def _stands_out(self, found: Found) -> bool:
        if found.margin is None:
            raise QueryError(
                "rag.grade by margin needs a search by vectors, and none was made: put "
                "rag.retrieve before it, alone or beside rag.keywords, or use by: model"
            )
        return found.margin >= self.threshold


def _says_yes(model: LanguageModel, found: Found) -> bool:
    """Whether the model says of one of the passages that it answers the question."""
    prompts = (PROMPT.format(text=text, question=found.question.text) for text in found.texts)
    said = (model.generate(each, max_new_tokens=3, system=SYSTEM).text for each in prompts)
    return any(each.strip().lower().startswith("yes") for each in said)
