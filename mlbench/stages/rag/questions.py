"""Data: questions with golden answers and golden passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from mlbench.errors import MlbenchError, nearest
from mlbench.interfaces.stage import Context, DataSource
from mlbench.stages.rag.question import SOURCES, Question, Source
from mlbench.stages.rag.shipped import read_lines, shipped

__all__ = ["Questions", "held_back", "read_questions"]

STAGE = "rag.questions"
SHAPE = 'an object such as {"question": "...", "answers": ["..."], "passages": ["a1"]}'


class Questions(DataSource):
    """Questions about the shipped corpus, each with golden answers and golden passages.

    They were written for mlbench in other words than the passages: at most half of a
    question's content words stand in its golden passages, so that some are missed at first.
    Further ones, for `rag.route`, have their answer in the shipped database, or ask for
    what a model knows; ``sources`` chooses.

    With ``file`` they are your own: a line of JSON each, with ``question`` and, as far as
    known, ``answers``, ``passages`` (ids of the corpus), ``source`` and ``id``.
    """

    gives: ClassVar[object] = Question
    example: ClassVar[str] = (
        "data: {uses: rag.questions, with: {sources: [passages, database]}, order: sequential}"
    )

    file: str | None = Field(
        default=None, min_length=1, description="lines of JSON; default those that ship"
    )
    sources: tuple[Source, ...] = Field(
        default=("passages",), min_length=1, description="where the answers of those taken are"
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[Question]]:  # noqa: ARG002
        """Yield the questions."""
        path = shipped("questions.jsonl") if self.file is None else Path(self.file).expanduser()
        questions = read_questions(STAGE, path)
        chosen = [each for each in questions if each.source in self.sources]
        if not chosen:
            had = ", ".join(sorted({each.source for each in questions})) or "no questions at all"
            raise MlbenchError(
                f"{STAGE} found no question of the sources {', '.join(self.sources)} in {path}: "
                f"it has {had}"
            )
        yield chosen


def read_questions(stage: str, path: Path) -> list[Question]:
    """The questions of a file of JSON lines, in its order.

    Raises
    ------
    MlbenchError
        If it cannot be read, or a line is no question.
    """
    return read_lines(stage, path, _question, SHAPE)


def held_back() -> list[Question]:
    """Questions that no run asks: what is calibrated, is calibrated on them."""
    return read_questions(STAGE, shipped("held_back.jsonl"))


def _question(row: dict[str, Any], number: int) -> Question:
    text, source = row["question"], row.get("source", "passages")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("its question is no text, or empty")
    if source not in SOURCES:
        raise ValueError(f"there is no source {source!r} ({nearest(str(source), SOURCES)})")
    answers, passages = _texts(row, "answers"), _texts(row, "passages")
    return Question(str(row.get("id", number)), text, answers, passages, source)


def _texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    found = row.get(key, [])
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"its {key} are no list of texts")
    return tuple(found)
