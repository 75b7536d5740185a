"""From what was found to an answer: rewriting, generating, checking, routing, asking SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from rag_support import ScriptedModel, found, scores, vectors_of

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context
from mlbench.stages.rag.check_grounding import CheckGrounding
from mlbench.stages.rag.database import opened_database
from mlbench.stages.rag.generate import Generate
from mlbench.stages.rag.monolith import Monolith
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.rewrite import Rewrite
from mlbench.stages.rag.route import RouteBySource
from mlbench.stages.rag.shipped import shipped
from mlbench.stages.rag.sql import Sql

pytestmark = pytest.mark.unit

YELLOW = Question("1", "Which long fruit is yellow?", ("banana",), ("banana",))


def call(stage: Any, payload: Any, context: Context) -> Any:
    with stage.open(context) as function:
        return function(payload)


def context_with(**resources: object) -> Context:
    return Context(resources=resources)


# -- rewriting and generating ------------------------------------------------------------


def test_a_rewriting_stands_behind_the_question() -> None:
    model = ScriptedModel(lambda _: "  What is\n bent? ")
    result = call(Rewrite(lm="$lm"), found(YELLOW, "apple"), context_with(lm=model))
    assert result.wording == "Which long fruit is yellow? What is bent?"
    assert (result.text, result.answers) == (YELLOW.text, YELLOW.answers)


def test_a_second_rewriting_is_of_what_was_searched_for() -> None:
    model = ScriptedModel(lambda _: "Again?")
    again = Question("1", "Which one?", rewriting="Who?")
    result = call(Rewrite(lm="$lm"), found(again), context_with(lm=model))
    assert "Which one? Who?" in model.prompts[0]
    assert result.wording == "Which one? Again?"


def test_an_answer_is_made_from_the_passages_and_scored() -> None:
    model = ScriptedModel(lambda _: "It is the banana.")
    context = context_with(lm=model)
    answer = call(Generate(lm="$lm"), found(YELLOW, "banana", "apple"), context)
    (prompt,) = model.prompts
    assert prompt.index("yellow fruit that grows") < prompt.index("round red fruit")
    assert prompt.endswith("Question: Which long fruit is yellow?")
    assert (answer["answer"], answer["source"]) == ("It is the banana.", "passages")
    assert [passage["id"] for passage in answer["passages"]] == ["banana", "apple"]
    assert answer["golden"] == ["banana"]


def test_tokens_are_events_as_those_of_text_generate() -> None:
    context = context_with(lm=ScriptedModel(lambda _: "It is the banana."))
    call(Generate(lm="$lm"), found(YELLOW, "banana"), context)
    names = [name for name, _, _ in context.visit.events]
    assert names == ["first_token", "token", "token", "token", "score.golden_hit"]


@pytest.mark.parametrize(("says", "score"), [("Bananas.", 0), ("A banana!", 1)])
def test_a_golden_answer_counts_as_whole_words(says: str, score: float) -> None:
    context = context_with(lm=ScriptedModel(lambda _: says))
    call(Generate(lm="$lm"), YELLOW, context)
    assert scores(context) == [("golden_hit", score)]


def test_without_passages_the_model_answers_alone() -> None:
    model = ScriptedModel(lambda _: "Paris")
    answer = call(Generate(lm="$lm"), Question("1", "Which city?"), context_with(lm=model))
    assert model.prompts == ["Question: Which city?"]
    assert answer["source"] == "model"
    assert "passages" not in answer


def test_a_question_without_golden_answers_has_no_score() -> None:
    context = context_with(lm=ScriptedModel(lambda _: "Paris"))
    call(Generate(lm="$lm"), Question("1", "Which city?"), context)
    assert scores(context) == []


# -- grounding ---------------------------------------------------------------------------


def answered(text: str, *ids: str) -> Any:
    context = context_with(lm=ScriptedModel(lambda _: text))
    return call(Generate(lm="$lm"), found(YELLOW, *ids), context)


@pytest.mark.parametrize(
    ("text", "share", "score"),
    [("a yellow fruit", 1.0, 1), ("a yellow submarine", 0.5, 1), ("a blue submarine", 0.0, 0)],
)
def test_an_answer_is_grounded_if_its_words_stand_in_its_passages(
    text: str, share: float, score: float
) -> None:
    context = Context()
    result = call(CheckGrounding(threshold=0.5), answered(text, "banana"), context)
    assert result["grounded"] == share
    assert result["answer"] == text
    assert scores(context) == [("grounded", score)]


@pytest.mark.parametrize(("text", "ids"), [("yellow", ()), ("it is", ("banana",))])
def test_where_words_say_nothing_there_is_no_score(text: str, ids: tuple[str, ...]) -> None:
    context = Context()
    assert call(CheckGrounding(), answered(text, *ids), context)["grounded"] is None
    assert scores(context) == []


@pytest.mark.parametrize(
    ("text", "route"), [("yellow", "grounded"), ("blue", "ungrounded"), ("it is", "ungrounded")]
)
def test_a_checker_can_route(text: str, route: str) -> None:
    stage = CheckGrounding(route=True)
    assert list(stage.routes()) == ["grounded", "ungrounded"]
    assert call(stage, answered(text, "banana"), Context()).name == route


# -- routing -----------------------------------------------------------------------------


def test_a_question_goes_where_the_most_similar_example_belongs(tmp_path: Path) -> None:
    examples = tmp_path / "examples.jsonl"
    examples.write_text(
        '{"question": "How many fruits are there?", "source": "database"}\n'
        '{"question": "What does it taste like?"}\n'
    )
    context = context_with(index=vectors_of())
    stage = RouteBySource(index="$index", examples=str(examples))
    question = Question("1", "How many roots are there?", source="database")
    result = call(stage, question, context)
    assert (result.name, result.payload) == ("database", question)
    assert call(stage, Question("2", "What does salt taste like?"), context).name == "passages"
    assert scores(context) == [("route_hit", 1), ("route_hit", 1)]


def test_a_router_without_examples_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "none.jsonl"
    empty.touch()
    stage = RouteBySource(index="$index", examples=str(empty))
    with pytest.raises(MlbenchError, match=r"rag\.route found no example in .*none\.jsonl"):
        call(stage, YELLOW, context_with(index=vectors_of()))


# -- SQL ---------------------------------------------------------------------------------

Ask = Callable[..., dict[str, Any]]


def ask(text: str, *answers: str, **options: Any) -> tuple[dict[str, Any], Context]:
    context = context_with(index=vectors_of(), **options.pop("resources", {}))
    stage = Sql.model_validate({"index": "$index", **options})
    return call(stage, Question("1", text, answers, source="database"), context), context


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What is the parent of KeyError?", "LookupError"),
        ("How many exceptions derive directly from LookupError?", "2"),
        ("Which exceptions derive directly from LookupError?", "IndexError, KeyError"),
        ("How many exceptions stand below OSError, at any depth?", "15"),
        ("Which method implements the operator //?", "__floordiv__"),
        ("How many soft keywords are there?", "3"),
    ],
)
def test_the_shipped_database_answers(text: str, answer: str) -> None:
    result, context = ask(text, answer)
    assert (result["answer"], result["source"]) == (answer, "database")
    assert result["statement"].startswith(("SELECT", "WITH"))
    assert scores(context) == [("golden_hit", 1)]


def test_the_shipped_database_says_what_python_says() -> None:
    with opened_database("test", shipped("python.sql")) as database:
        rows = database.rows("SELECT name, base FROM exceptions LIMIT 100", {})
    import builtins

    assert len(rows) == 65
    for name, base in rows:
        assert getattr(builtins, str(name)).__base__.__name__ == base


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE fruit (name TEXT, price INTEGER)")
        connection.execute("INSERT INTO fruit VALUES ('pear', 3), ('plum', 2)")
    connection.close()
    return path


def test_a_database_of_ones_own_comes_with_statements(shop: Path, tmp_path: Path) -> None:
    statements = tmp_path / "statements.jsonl"
    statements.write_text(
        '{"sql": "SELECT price FROM fruit WHERE name = :fruit", '
        '"examples": ["What does a {fruit} cost?"], '
        '"values": {"fruit": "SELECT name FROM fruit"}}\n'
    )
    options = {"database": str(shop), "statements": str(statements)}
    assert ask("What is the price of a Pear?", "3", **options)[0]["answer"] == "3"
    nothing, context = ask("What is the price of a melon?", "3", **options)
    assert (nothing["answer"], nothing["statement"]) == ("", None)
    assert scores(context) == [("golden_hit", 0)]


FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("```sql\nSELECT max(price) FROM fruit;\n```", "3"),
        ("SELECT name, price FROM fruit", "pear 3, plum 2"),
        ("SELECT colour FROM fruit", ""),
        ("I do not know.", ""),
        ("WITH x AS (SELECT 1) DELETE FROM fruit", ""),
        ("SELECT writefile('x', 'y')", ""),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
            "",
        ),
    ],
)
def test_a_model_may_write_what_only_reads(shop: Path, written: str, answer: str) -> None:
    model = ScriptedModel(lambda _: written)
    result, _ = ask("Which?", by="model", lm="$lm", database=str(shop), resources={"lm": model})
    assert result["answer"] == answer
    assert "CREATE TABLE fruit" in model.prompts[0]
    with opened_database("test", shop) as database:
        assert database.rows("SELECT count(*) FROM fruit", {}) == [(2,)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"by: template needs an encoder, index: \$index"),
        ({"by": "model"}, r"by: model needs a language model, lm: \$lm"),
        ({"index": "$index", "database": "x.db"}, "needs statements, or by: model"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Sql.model_validate(options)


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.sqlite"
    text.write_text("no database at all, but long enough to be looked at by somebody " * 20)
    options = {"by": "model", "lm": "$lm", "resources": {"lm": ScriptedModel(str)}}
    with pytest.raises(MlbenchError, match=r"cannot read the database .*: file is not"):
        ask("Which?", database=str(text), **options)
    with pytest.raises(MlbenchError, match=r"rag\.sql found no database .*nowhere"):
        ask("Which?", database=str(tmp_path / "nowhere.db"), **options)


# -- all in one --------------------------------------------------------------------------


def job(context: Context, question: Question, **options: Any) -> Any:
    return call(Monolith(index="$index", lm="$lm", **options), question, context)


@pytest.mark.parametrize(("threshold", "rewritings"), [(0.0, 0), (2.0, 2)])
def test_the_monolith_searches_again_until_a_search_will_do(
    threshold: float, rewritings: int
) -> None:
    model = ScriptedModel(lambda prompt: "Who?" if "Rewrite" in prompt else "The banana.")
    context = context_with(index=vectors_of(), lm=model)
    question = Question(
        "1", "Which exception do yellow bunches give by default?", ("banana",), ("banana",)
    )
    answer = job(context, question, threshold=threshold, k=1)
    assert sum("Rewrite" in prompt for prompt in model.prompts) == rewritings
    assert answer["answer"] == "The banana."
    assert answer["grounded"] == 1
    recorded = [name for name, _ in scores(context)]
    assert recorded == [
        "route_hit",
        *["retrieval_hit"] * (rewritings + 1),
        "golden_hit",
        "grounded",
    ]


def test_the_monolith_asks_the_database_too() -> None:
    context = context_with(index=vectors_of(), lm=ScriptedModel(lambda _: "?"))
    question = Question("1", "How many exceptions derive directly from OSError?", ("11",))
    assert job(context, question)["answer"] == "11"
