"""Stage: the whole job in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Ref, Route, Stage
from mlbench.stages.rag.answer import Answer
from mlbench.stages.rag.calibrate import THRESHOLD
from mlbench.stages.rag.check_grounding import CheckGrounding
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.generate import Generate
from mlbench.stages.rag.grade import Grade
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.retrieve import Retrieve
from mlbench.stages.rag.rewrite import Rewrite
from mlbench.stages.rag.route import RouteBySource
from mlbench.stages.rag.sql import Sql

__all__ = ["Monolith"]

Call = Callable[[Any], Any]  # Any: each part has types of its own


class Monolith(Stage):
    """Routes, retrieves, grades, rewrites, generates and checks, in one stage.

    It opens the stages that the decomposed pipeline has (`rag.route`, `rag.retrieve`,
    `rag.grade`, `rag.rewrite`, `rag.generate`, `rag.check_grounding`, `rag.sql`) and calls
    them in the same order, so that the two differ in topology alone: answers, scores and
    token events are the same, and there is one span where the other has several.
    """

    takes: ClassVar[object] = Question
    gives: ClassVar[object] = Answer
    example: ClassVar[str] = (
        "answer: {uses: rag.monolith, with: {index: $index, lm: $lm, rewrites: 2}}"
    )

    index: Ref = Field(description="a resource of rag.index")
    lm: Ref = Field(description="a resource of text.model")
    k: int = Field(default=3, ge=1, description="passages to find")
    threshold: float = Field(default=THRESHOLD, ge=0, le=2, description="of rag.grade")
    rewrites: int = Field(default=2, ge=0, description="before it answers with what it has")
    rewriting_tokens: int = Field(default=24, ge=1, description="where a rewriting is cut off")
    max_new_tokens: int = Field(default=24, ge=1, description="where an answer is cut off")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Question], Answer]]:
        """Yield a function that does it all."""
        with ExitStack() as stack:

            def part(stage: Stage) -> Call:
                return stack.enter_context(stage.open(context))

            route, sql = part(RouteBySource(index=self.index)), part(Sql(index=self.index))
            search = self._searcher(part)
            generate = part(Generate(lm=self.lm, max_new_tokens=self.max_new_tokens))
            check = part(CheckGrounding())

            def answer(question: Question) -> Answer:
                chosen: Route = route(question)
                found: Answer
                if chosen.name == "database":
                    found = sql(question)
                    return found
                found = check(generate(question if chosen.name == "model" else search(question)))
                return found

            yield answer

    def _searcher(self, part: Callable[[Stage], Call]) -> Callable[[Question], Found]:
        """The loop of the decomposed graph: the last search, or the first that will do."""
        retrieve = part(Retrieve(index=self.index, k=self.k))
        rewrite = part(Rewrite(lm=self.lm, max_new_tokens=self.rewriting_tokens))
        grade = part(Grade(threshold=self.threshold))

        def search(question: Question) -> Found:
            found: Found = retrieve(question)
            for left in range(self.rewrites, -1, -1):
                if grade(found).name == "relevant" or not left:
                    break
                found = retrieve(rewrite(found))
            return found

        return search
