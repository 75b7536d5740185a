"""Stage: a router that says where the answer to a question is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context, Ref, Route, Stage
from mlbench.stages.rag.question import SOURCES, Question
from mlbench.stages.rag.questions import held_back, read_questions
from mlbench.stages.rag.vectors import Vectors

__all__ = ["RouteBySource"]

STAGE = "rag.route"


class RouteBySource(Stage):
    """Sends a question to the ``passages``, to the ``database``, or to the ``model`` alone.

    It goes where the most similar of its example questions belongs, by cosine. The examples
    that ship are held back: no run asks them. Your own stand in ``examples``, lines of JSON
    with ``question`` and ``source``. Records the score ``route_hit``: whether it went to
    the source that the question set names.
    """

    takes: ClassVar[object] = Question
    outputs: ClassVar[Mapping[str, object]] = dict.fromkeys(SOURCES, Question)
    example: ClassVar[str] = (
        "route:\n  uses: rag.route\n  with: {index: $index}\n"
        "  to: {passages: retrieve, database: sql, model: generate}"
    )

    index: Ref = Field(description="a resource of rag.index, for its encoder")
    examples: str | None = Field(
        default=None, min_length=1, description="lines of JSON; default those that ship"
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Question], Route]]:
        """Yield the router."""
        vectors: Vectors = context.resource(self.index)
        examples = self._examples()
        known = vectors.encoder.encode([each.text for each in examples])

        def route(question: Question) -> Route:
            cosines = known @ vectors.encoder.encode([question.text])[0]
            source = examples[int(cosines.argmax())].source
            context.score("route_hit", source == question.source)
            return Route(source, question)

        yield route

    def _examples(self) -> list[Question]:
        if self.examples is None:
            return held_back()
        path = Path(self.examples).expanduser()
        if not (found := read_questions(STAGE, path)):
            raise MlbenchError(f"{STAGE} found no example in {path}: it has no lines")
        return found
