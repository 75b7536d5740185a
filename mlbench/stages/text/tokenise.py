"""Stage: text to tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.text.batches import Texts
from mlbench.stages.text.pretrained import DEFAULT, tokeniser
from mlbench.stages.text.tokens import Tokens

__all__ = ["Tokenise"]


class Tokenise(Stage):
    """The tokens of a text, or of several as one block, as a language model reads them.

    Longer texts are cut off after ``max_tokens``. A name for ``model`` loads its tokeniser
    alone, without the weights.
    """

    takes: ClassVar[object] = Texts
    gives: ClassVar[object] = Tokens
    example: ClassVar[str] = "tokenise: {uses: text.tokenise, with: {max_tokens: 128}, to: step}"

    model: str | Ref = Field(
        default=DEFAULT, min_length=1, description="a model's name, or a resource that holds one"
    )
    max_tokens: int = Field(default=512, ge=1, description="of each text")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Texts], Tokens]]:
        """Yield a function that tokenises."""
        if self.model.startswith("$"):
            convert = context.resource(self.model).tokenizer
        else:
            convert = tokeniser("text.tokenise", self.model)
        import torch
        from torch.nn.utils.rnn import pad_sequence

        def tokenise(payload: Texts) -> Tokens:
            texts = [payload] if isinstance(payload, str) else payload
            rows = convert(texts, truncation=True, max_length=self.max_tokens).input_ids
            ids = [torch.tensor(row, dtype=torch.int64) for row in rows]
            mask = [torch.ones_like(row) for row in ids]
            return Tokens(pad_sequence(ids, batch_first=True), pad_sequence(mask, batch_first=True))

        yield tokenise
