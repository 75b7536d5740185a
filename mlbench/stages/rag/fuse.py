"""Stage: several searches become one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Stage
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.hits import score_retrieval
from mlbench.stages.rag.passage import Hit, Passage

__all__ = ["Fuse", "fused"]


class Fuse(Stage):
    """The ``k`` best passages of a join of searches, by reciprocal rank fusion.

    A passage scores the sum of ``1 / (constant + rank)`` over the searches that found it,
    ranks from 1: Cormack, Clarke and Büttcher, SIGIR 2009, with their constant of 60.
    Passages of equal score keep the order in which they were met. Records the score
    ``retrieval_hit``.
    """

    takes: ClassVar[object] = dict[str, Found]
    gives: ClassVar[object] = Found
    example: ClassVar[str] = (
        "fuse: {uses: rag.fuse, with: {k: 3}, join: [retrieve, keywords], to: grade}"
    )

    k: int = Field(default=3, ge=1, description="passages to keep")
    constant: float = Field(default=60, gt=0, description="how little the first ranks stand out")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Mapping[str, Found]], Found]]:
        """Yield a function that fuses."""

        def fuse(searches: Mapping[str, Found]) -> Found:
            found = fused(searches, self.k, self.constant)
            score_retrieval(context, found.question, found.hits)
            return found

        yield fuse


def fused(searches: Mapping[str, Found], k: int, constant: float) -> Found:
    """The ``k`` best passages of searches for one question; the margin is a search's own."""
    scores: dict[str, float] = defaultdict(float)
    passages: dict[str, Passage] = {}
    for found in searches.values():
        for rank, hit in enumerate(found.hits, 1):
            passages.setdefault(hit.passage.id, hit.passage)
            scores[hit.passage.id] += 1 / (constant + rank)
    best = sorted(passages, key=lambda id_: -scores[id_])[:k]
    margins = [found.margin for found in searches.values() if found.margin is not None]
    return Found(
        question=next(iter(searches.values())).question,
        hits=tuple(Hit(passages[id_], scores[id_]) for id_ in best),
        margin=margins[0] if margins else None,
    )
