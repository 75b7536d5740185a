"""Stage: a language model answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field, field_validator

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.text.batches import Batches, in_one_pass
from mlbench.stages.text.language_model import LanguageModel
from mlbench.stages.text.pretrained import DEFAULT, language_model
from mlbench.stages.text.token_events import TokenEvents

__all__ = ["Generate"]

TEXT = "{text}"


class Generate(Stage):
    """What a language model answers to a text; each token is the likeliest one.

    The first token is recorded as the event ``first_token``, each further step as
    ``token``, with the number of answers that it went on with. Several texts are generated
    together, padded to the longest prompt; so are the queries of a dynamic batch.
    """

    takes: ClassVar[object] = Batches
    gives: ClassVar[object] = Batches
    example: ClassVar[str] = (
        'generate: {uses: text.generate, with: {model: $lm, prompt: "In one sentence: {text}"}}'
    )

    model: str | Ref = Field(
        default=DEFAULT, min_length=1, description="a model's name, or a resource that holds one"
    )
    max_new_tokens: int = Field(default=32, ge=1, description="where an answer is cut off")
    prompt: str = Field(default=TEXT, description="what is asked, with {text} in it")
    system: str | None = Field(
        default=None, description="the instruction before it; default the model's own"
    )

    @field_validator("prompt")
    @classmethod
    def _has_a_place_for_the_text(cls, value: str) -> str:
        if TEXT not in value:
            raise ValueError(f"expected a prompt with {TEXT} where the text goes")
        return value

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Batches], Batches]]:
        """Yield a function that generates."""
        if self.model.startswith("$"):
            model: LanguageModel = context.resource(self.model)
        else:
            model = language_model("text.generate", self.model, "float32", context.device)

        def answers(texts: list[str]) -> list[str]:
            prompts = [self.prompt.replace(TEXT, text) for text in texts]
            found = model.generate_all(
                prompts,
                max_new_tokens=self.max_new_tokens,
                system=self.system,
                on_step=TokenEvents(context),
            )
            return [each.text for each in found]

        def generate(payload: Batches) -> Batches:
            found: Batches = in_one_pass(payload, answers)
            return found

        yield generate
