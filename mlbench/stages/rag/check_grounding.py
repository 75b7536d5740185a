"""Stage: whether an answer stands in what it was made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Route, Stage
from mlbench.stages.rag.answer import Answer
from mlbench.stages.rag.words import share_in

__all__ = ["CheckGrounding"]


class CheckGrounding(Stage):
    """The answer with ``grounded``: the share of its content words that stand in its passages.

    By words, in the manner of K-Precision (Adlakha et al., TACL 2024), so without a model;
    it sees invented words, not words that are wrongly put together. Records the score
    ``grounded``, 1 where the share is at least ``threshold``. It says nothing of answers
    that were made without passages, or have no content words: they have no such score.

    With ``route: true`` it is a router: such answers, and those below the threshold, are
    sent on as ``ungrounded``, the others as ``grounded``.
    """

    takes: ClassVar[object] = Answer
    gives: ClassVar[object] = Answer
    example: ClassVar[str] = "check: {uses: rag.check_grounding, with: {threshold: 0.5}}"

    threshold: float = Field(default=0.5, ge=0, le=1, description="share of content words")
    route: bool = Field(default=False, description="send on by the result")

    def routes(self) -> Mapping[str, object]:
        """The outputs of a router; none without ``route``."""
        return dict.fromkeys(("grounded", "ungrounded"), Answer) if self.route else {}

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Answer], Answer | Route]]:
        """Yield a function that checks."""

        def check(answer: Answer) -> Answer | Route:
            share = _share(answer)
            checked: Answer = {**answer, "grounded": share}
            grounded = share is not None and share >= self.threshold
            if share is not None:
                context.score("grounded", grounded)
            if not self.route:
                return checked
            return Route("grounded" if grounded else "ungrounded", checked)

        yield check


def _share(answer: Answer) -> float | None:
    passages = answer.get("passages")
    if not passages:
        return None
    return share_in(answer["answer"], " ".join(each["text"] for each in passages))
