"""SQL for a question: a prepared statement, with names from the question filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench.errors import MlbenchError
from mlbench.stages.rag.database import Database
from mlbench.stages.rag.shipped import read_lines
from mlbench.stages.text.encoder import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Prepared", "Statement", "masked", "name_in", "read_statements"]

SHAPE = (
    'an object such as {"sql": "SELECT price FROM fruit WHERE name = :fruit", "examples": '
    '["What does {fruit} cost?"], "values": {"fruit": "SELECT name FROM fruit"}}'
)

PUNCTUATION = "?.,;:!'\"`"


@dataclass(frozen=True)
class Statement:
    """A statement with the questions that it answers.

    Parameters
    ----------
    sql
        With a parameter ``:name`` for each of ``values``.
    examples
        Questions that it answers, with ``{name}`` where the value of a parameter stands.
    values
        By parameter, a statement that gives its possible values in the first column.
    """

    sql: str
    examples: tuple[str, ...]
    values: Mapping[str, str]


def read_statements(stage: str, path: Path) -> list[Statement]:
    """The statements of a file of JSON lines.

    Raises
    ------
    MlbenchError
        If it cannot be read, a line is no statement, or there is none.
    """
    found = read_lines(stage, path, _statement, SHAPE)
    if not found:
        raise MlbenchError(f"{stage} found no statement in {path}: it has no lines")
    return found


def _statement(row: dict[str, Any], number: int) -> Statement:  # noqa: ARG001  (they have no ids)
    examples = row["examples"]
    if not isinstance(examples, list) or not examples:
        raise ValueError("its examples are no list of questions")
    return Statement(str(row["sql"]), tuple(map(str, examples)), dict(row.get("values", {})))


class Prepared:
    """Statements over an open database, with the vectors of their examples.

    What is compared are questions in which each value stands as the name of its parameter:
    otherwise two questions about one thing would be more alike than two that ask the same.
    """

    def __init__(
        self, statements: Sequence[Statement], database: Database, encoder: Encoder
    ) -> None:
        pairs = [(example, each) for each in statements for example in each.examples]
        self._statements = [statement for _, statement in pairs]
        texts = [example.replace("{", "").replace("}", "") for example, _ in pairs]
        self._known: NDArray[np.float32] = encoder.encode(texts)
        self._encoder = encoder
        sources = {name: source for each in statements for name, source in each.values.items()}
        self._names = {name: database.texts(source) for name, source in sources.items()}

    def statement_for(self, question: str) -> tuple[str, dict[str, str]] | None:
        """The statement of the most similar example, with its values; null if none fits.

        One whose values do not all stand in the question is passed over.
        """
        looked = {name: name_in(question, names) for name, names in self._names.items()}
        values = {name: value for name, value in looked.items() if value is not None}
        cosines = self._known @ self._encoder.encode([masked(question, values)])[0]
        for row in (-cosines).argsort():
            statement = self._statements[int(row)]
            if set(statement.values) <= set(values):
                return statement.sql, {name: values[name] for name in statement.values}
        return None


def name_in(question: str, names: Iterable[str]) -> str | None:
    """The longest of the names that stands in the question as a word; null if none does.

    Examples
    --------
    >>> name_in("What is below OSError?", ["Error", "OSError"])
    'OSError'
    """
    words = {word.strip(PUNCTUATION).lower() for word in question.split()}
    found = [name for name in names if name.lower() in words]
    return max(found, key=len, default=None)


def masked(question: str, values: Mapping[str, str]) -> str:
    """The question with each value as the name of its parameter.

    Examples
    --------
    >>> masked("What is below OSError?", {"exception": "OSError"})
    'What is below exception?'
    """
    names = {value.lower(): name for name, value in values.items()}

    def shown(word: str) -> str:
        bare = word.strip(PUNCTUATION)
        return word.replace(bare, names.get(bare.lower(), bare)) if bare else word

    return " ".join(map(shown, question.split()))
