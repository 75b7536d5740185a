"""A question with the passages that were found for it."""

from __future__ import annotations

from dataclasses import dataclass

from mlbench.stages.rag.passage import Hit
from mlbench.stages.rag.question import Question

__all__ = ["Found"]


@dataclass(frozen=True)
class Found:
    """What retrieval gives.

    Parameters
    ----------
    question
        As it was searched for.
    hits
        The passages, the best first.
    margin
        By how much the best cosine of the search stands above the fifth best; null where
        no vectors were searched.
    """

    question: Question
    hits: tuple[Hit, ...]
    margin: float | None = None

    @property
    def texts(self) -> list[str]:
        """The texts of the passages."""
        return [hit.passage.text for hit in self.hits]
