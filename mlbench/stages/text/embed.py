"""Stage: text to vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.text.batches import Batches, in_one_pass
from mlbench.stages.text.encoder import DEFAULT, Encoder, sentence_encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32] | list[NDArray[np.float32]]

__all__ = ["Embed"]


class Embed(Stage):
    """The vector of a text, float32 of unit length, so that a dot product is their likeness.

    all-MiniLM-L6-v2 gives 384 numbers. Several texts make one pass and give a list of
    vectors; so do the queries of a dynamic batch.
    """

    takes: ClassVar[object] = Batches
    gives: ClassVar[object] = "numpy.ndarray"  # by its name: to import it takes a while
    example: ClassVar[str] = "embed: {uses: text.embed, with: {model: $encoder}}"

    model: str | Ref = Field(
        default=DEFAULT, min_length=1, description="an encoder's name, or a resource that holds one"
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Batches], Vectors]]:
        """Yield a function that embeds."""
        if self.model.startswith("$"):
            encoder: Encoder = context.resource(self.model)
        else:
            encoder = sentence_encoder("text.embed", self.model, context.device)

        def embed(payload: Batches) -> Vectors:
            found: Vectors = in_one_pass(payload, encoder.encode)
            return found

        yield embed
