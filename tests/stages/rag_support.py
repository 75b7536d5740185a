"""Stand-ins for what the stages of question answering share: an encoder and a language model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbench.interfaces.stage import Context
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.passage import Hit, Passage
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.vectors import Vectors
from mlbench.stages.text.language_model import Generation

WIDTH = 512


class WordEncoder:
    """Texts that share words have near vectors: each word adds one to a place of its own."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[zlib.crc32(word.encode()) % WIDTH] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@dataclass
class PlainStore:
    """What `Vectors` asks of a faiss index."""

    rows: NDArray[np.float32]

    def search(self, vectors: NDArray[np.float32], k: int) -> tuple[Any, Any]:
        cosines = vectors @ self.rows.T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(cosines, order, axis=1), order


@dataclass
class ScriptedModel:
    """A language model that says what a function tells it to, word by word."""

    says: Callable[[str], str]
    prompts: list[str] = field(default_factory=list)
    systems: list[str | None] = field(default_factory=list)

    def generate(
        self,
        prompt: str,
        *,
        max_new_tokens: int,
        system: str | None = None,
        on_token: Callable[[], None] | None = None,
    ) -> Generation:
        self.prompts.append(prompt)
        self.systems.append(system)
        words = self.says(prompt).split()[:max_new_tokens]
        for _ in words:
            if on_token is not None:
                on_token()
        return Generation(" ".join(words), len(words), len(prompt.split()))


FRUIT = [
    Passage("apple", "The apple is a round red fruit that grows on trees."),
    Passage("banana", "The banana is a long yellow fruit that grows in bunches."),
    Passage("carrot", "The carrot is an orange root that grows under the ground."),
    Passage("whale", "A whale lives in the sea and breathes air."),
]


def vectors_of(passages: Sequence[Passage] = FRUIT) -> Vectors:
    """An open index over passages, with the stand-in encoder."""
    encoder: Any = WordEncoder()
    return Vectors(passages, encoder, PlainStore(encoder.encode([p.text for p in passages])))


def found(question: Question, *ids: str, margin: float | None = None) -> Found:
    """A search that gave these passages."""
    by_id = {passage.id: passage for passage in FRUIT}
    return Found(question, tuple(Hit(by_id[id_], 1.0) for id_ in ids), margin)


def scores(context: Context) -> list[tuple[str, float]]:
    """The scores that were recorded since the last look, which takes them away."""
    events = [(name, value) for name, _, value in context.visit.events]
    context.visit.events.clear()
    return [(n.removeprefix("score."), value) for n, value in events if n.startswith("score.")]
