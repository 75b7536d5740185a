"""A language model with its tokeniser: what `text.model` opens and stages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlbench.errors import QueryError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Generation", "LanguageModel"]


@dataclass(frozen=True)
class Generation:
    """What a model has written.

    Parameters
    ----------
    text
        Without special tokens.
    tokens
        How many it generated, the one that ends the text included.
    prompt_tokens
        How many it read before, those of the chat template included.
    """

    text: str
    tokens: int
    prompt_tokens: int


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal model in evaluation mode and its tokeniser.

    Parameters
    ----------
    model, tokenizer
        As transformers loads them; Any: it is optional, and its classes are many.
    device
        ``cpu`` or ``cuda:N``, where the weights are.
    """

    model: Any
    tokenizer: Any
    device: str

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int,
        system: str | None = None,
        on_token: Callable[[], None] | None = None,
    ) -> Generation:
        """The model's answer, each token the likeliest one.

        Parameters
        ----------
        prompt
            What the user says; put into the model's chat template where it has one.
        max_new_tokens
            Where the answer is cut off.
        system
            The instruction before it; null for the template's own.
        on_token
            Called after each token, in the order in which they come.

        Raises
        ------
        QueryError
            If the model cannot hold the prompt and the answer.
        """
        told = None if on_token is None else _ignoring_count(on_token)
        return self.generate_all(
            [prompt], max_new_tokens=max_new_tokens, system=system, on_step=told
        )[0]

    def generate_all(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        system: str | None = None,
        on_step: Callable[[int], None] | None = None,
    ) -> list[Generation]:
        """The answers to several prompts, generated together in one padded batch.

        Parameters
        ----------
        on_step
            Called after each step with how many answers got a token in it.

        Raises
        ------
        QueryError
            If the model cannot hold the longest prompt and the answer.
        """
        import torch

        inputs = self._inputs([self.chat(prompt, system) for prompt in prompts])
        self._check_length(inputs["input_ids"].shape[1], max_new_tokens)
        steps = _Steps(len(prompts), self.stop_ids, on_step)
        with torch.inference_mode():
            self.model.generate(
                **inputs, max_new_tokens=max_new_tokens, do_sample=False, temperature=None,
                top_p=None, top_k=None, pad_token_id=self.pad_id, streamer=steps,
            )  # fmt: skip
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [
            Generation(self.tokenizer.decode(ids, skip_special_tokens=True), len(ids), length)
            for ids, length in zip(steps.answers, lengths, strict=True)
        ]

    def chat(self, prompt: str, system: str | None = None) -> str:
        """The text that the model reads: the prompt in the chat template, if there is one."""
        if not getattr(self.tokenizer, "chat_template", None):
            return prompt if system is None else f"{system}\n\n{prompt}"
        turns = [] if system is None else [{"role": "system", "content": system}]
        turns.append({"role": "user", "content": prompt})
        text: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return text

    @property
    def stop_ids(self) -> frozenset[int]:
        """The tokens that end an answer."""
        found = self.model.generation_config.eos_token_id
        if found is None:
            return frozenset()
        return frozenset([found] if isinstance(found, int) else found)

    @property
    def pad_id(self) -> int:
        """What fills the shorter rows of a batch; the attention mask hides it."""
        found = self.tokenizer.pad_token_id
        return int(found if found is not None else min(self.stop_ids, default=0))

    def _inputs(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """The tokens of the texts with their attention mask, padded on the left."""
        import torch

        # The template writes the special tokens itself; a model without one gets its own.
        special = not getattr(self.tokenizer, "chat_template", None)
        rows = [self.tokenizer(text, add_special_tokens=special).input_ids for text in texts]
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.pad_id)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(rows):
            ids[index, longest - len(row) :] = torch.tensor(row)
            mask[index, longest - len(row) :] = 1
        return {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}

    def _check_length(self, prompt_tokens: int, new_tokens: int) -> None:
        limit = getattr(self.model.config, "max_position_embeddings", None)
        if limit is not None and prompt_tokens + new_tokens > limit:
            raise QueryError(
                f"the prompt has {prompt_tokens:,} tokens and max_new_tokens is {new_tokens:,}: "
                f"the model holds {limit:,} in all; shorten the prompt"
            )


class _Steps:
    """Takes the tokens from transformers as they come: what it calls a streamer."""

    def __init__(
        self, answers: int, stop_ids: frozenset[int], on_step: Callable[[int], None] | None
    ) -> None:
        self.answers: list[list[int]] = [[] for _ in range(answers)]
        self._going = set(range(answers))
        self._stop_ids = stop_ids
        self._on_step = on_step
        self._prompt_came = False

    def put(self, tokens: Tensor) -> None:
        """One token for each row; the first call brings the prompts instead."""
        if not self._prompt_came:
            self._prompt_came = True
            return
        count, row = len(self._going), tokens.tolist()
        for index in list(self._going):
            self.answers[index].append(row[index])
            if row[index] in self._stop_ids:
                self._going.discard(index)
        if self._on_step is not None:
            self._on_step(count)

    def end(self) -> None:
        """All answers have ended."""


def _ignoring_count(on_token: Callable[[], None]) -> Callable[[int], None]:
    return lambda _: on_token()
