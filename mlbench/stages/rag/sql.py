"""Stage: an answer from a database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.rag.answer import Answer
from mlbench.stages.rag.database import Database, opened_database
from mlbench.stages.rag.hits import score_answer
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.shipped import shipped
from mlbench.stages.rag.statements import Prepared, read_statements
from mlbench.stages.rag.vectors import Vectors
from mlbench.stages.text.language_model import LanguageModel

__all__ = ["Sql"]

STAGE = "rag.sql"
PROMPT = "Tables of a SQLite database:\n{schema}\n\nWrite one SQL query that answers: {question}"

Filled = tuple[str, dict[str, str]]


class Sql(Stage):
    """The answer that a SQLite database gives; several rows are divided by commas.

    By ``template``, the statement of the most similar example question is taken, with the
    names that stand in the question filled in. By ``model``, the language model writes the
    statement; few small ones can. Nothing but reading is allowed, 0.1 s and 100 rows long.
    Where no statement fits, or SQLite refuses it, the answer is empty. Records the score
    ``golden_hit``.

    The database that ships has the exceptions, operators and keywords of Python 3.10. Your
    own is a file of SQLite; by template it needs ``statements``, lines of JSON with ``sql``,
    ``examples`` and ``values``.
    """

    takes: ClassVar[object] = Question
    gives: ClassVar[object] = Answer
    example: ClassVar[str] = "sql: {uses: rag.sql, with: {index: $index}}"

    by: Literal["template", "model"] = "template"
    index: Ref | None = Field(default=None, description="a resource of rag.index, for its encoder")
    lm: Ref | None = Field(default=None, description="a resource of text.model")
    database: str | None = Field(default=None, min_length=1, description="a file of SQLite")
    statements: str | None = Field(default=None, min_length=1, description="lines of JSON")
    max_new_tokens: int = Field(default=48, ge=1, description="of a statement by the model")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Sql:
        if self.by == "template" and self.index is None:
            raise ValueError("by: template needs an encoder, index: $index")
        if self.by == "model" and self.lm is None:
            raise ValueError("by: model needs a language model, lm: $lm")
        if self.by == "template" and self.database is not None and self.statements is None:
            raise ValueError("a database of your own needs statements, or by: model")
        return self

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Question], Answer]]:
        """Yield a function that asks the database."""
        with opened_database(STAGE, _path(self.database, "python.sql")) as database:
            statement_for = self._chooser(context, database)

            def sql(question: Question) -> Answer:
                filled = statement_for(question.text)
                text = "" if filled is None else _asked(database, *filled)
                score_answer(context, question, text)
                return _answer(question, text, None if filled is None else filled[0])

            yield sql

    def _chooser(self, context: Context, database: Database) -> Callable[[str], Filled | None]:
        """A function that gives a question's statement with the values of its parameters."""
        if self.by == "model":
            model: LanguageModel = context.resource(str(self.lm))
            return lambda question: _written(model, database, question, self.max_new_tokens)
        vectors: Vectors = context.resource(str(self.index))
        statements = read_statements(STAGE, _path(self.statements, "statements.jsonl"))
        return Prepared(statements, database, vectors.encoder).statement_for


def _path(said: str | None, default: str) -> Path:
    return shipped(default) if said is None else Path(said).expanduser()


def _written(model: LanguageModel, database: Database, question: str, limit: int) -> Filled | None:
    """The statement that a model writes: what begins with SELECT or WITH, to its semicolon."""
    prompt = PROMPT.format(schema=database.schema, question=question)
    written = model.generate(prompt, max_new_tokens=limit).text
    found = re.search(r"\b(?:select|with)\b[^;`]*", written, re.IGNORECASE)
    return (found.group(), {}) if found else None


def _asked(database: Database, statement: str, values: dict[str, str]) -> str:
    """What the database says; nothing where it cannot say anything."""
    try:
        return _text(database.rows(statement, values))
    except sqlite3.Error:  # a statement that a model wrote: a wrong answer, no failed query
        return ""


def _text(rows: Sequence[Sequence[object]]) -> str:
    return ", ".join(" ".join(str(value) for value in row) for row in rows)


def _answer(question: Question, text: str, statement: str | None) -> Answer:
    return Answer(
        question=question.text,
        answer=text,
        source="database",
        golden=list(question.answers),
        statement=statement,
    )
