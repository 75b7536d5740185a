"""Resource: a vector index of the corpus, built once on a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Resource
from mlbench.stages.rag.corpus import passages_of
from mlbench.stages.rag.vectors import Vectors, opened_vectors
from mlbench.stages.text.encoder import DEFAULT, sentence_encoder

__all__ = ["Index"]

STAGE = "rag.index"


class Index(Resource):
    """The passages of a corpus with their vectors, searched exactly by cosine.

    A flat faiss index over the vectors of a sentence encoder, which the stages that name
    the resource share. It is built once and then read from the cache directory, under a
    name that follows from the passages and the encoder's weights. A corpus of your own is a
    file of JSON lines, ``{"id": ..., "text": ...}``, or a text file or folder.
    """

    example: ClassVar[str] = "resources:\n  index: {uses: rag.index, with: {corpus: notes.jsonl}}"

    corpus: str | None = Field(
        default=None, min_length=1, description="a file or folder; default the one that ships"
    )
    model: str = Field(default=DEFAULT, min_length=1, description="a sentence encoder")

    @contextmanager
    def open(self, context: Context) -> Iterator[Vectors]:
        """Yield the index."""
        passages = passages_of(STAGE, self.corpus)
        encoder = sentence_encoder(STAGE, self.model, context.device)
        yield opened_vectors(STAGE, passages, encoder, context.threads)
