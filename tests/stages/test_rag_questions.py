"""What ships with question answering, and files of one's own: corpus, questions, words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context
from mlbench.stages.rag.corpus import passages_of
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.questions import Questions, held_back
from mlbench.stages.rag.vectors import corpus_hash
from mlbench.stages.rag.words import contains, normalised, share_in

pytestmark = pytest.mark.unit

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def asked(**options: object) -> list[Question]:
    with Questions.model_validate(options).open(Context()) as questions:
        return list(questions)


PASSAGES = {each.id: each.text for each in passages_of("test", None)}
ALL = asked(sources=("passages", "database", "model"))


# -- what ships --------------------------------------------------------------------------


def test_the_corpus_is_the_same_everywhere() -> None:
    assert len(PASSAGES) == 444
    assert corpus_hash(passages_of("test", None)) == "2c67c56074cc5433"


def test_there_are_questions_for_every_source() -> None:
    counts = {source: len(asked(sources=(source,))) for source in ("passages", "database", "model")}
    assert counts == {"passages": 75, "database": 8, "model": 6}
    assert len(ALL) == 89
    assert asked() == asked(sources=("passages",))


@pytest.mark.parametrize("questions", [ALL, held_back()], ids=["asked", "held back"])
def test_every_question_has_a_name_and_a_golden_answer(questions: list[Question]) -> None:
    assert len({each.id for each in questions}) == len(questions)
    assert len({each.text for each in questions}) == len(questions)
    assert all(normalised(answer) for each in questions for answer in each.answers)
    assert all(each.answers for each in questions)


@pytest.mark.parametrize("question", [*asked(), *held_back()], ids=lambda each: each.id)
def test_a_golden_passage_has_the_answer_and_other_words_than_the_question(
    question: Question,
) -> None:
    assert bool(question.passages) == (question.source == "passages")
    for passage in question.passages:
        text = PASSAGES[passage]
        assert any(contains(text, answer) for answer in question.answers)
        share = share_in(question.text, text)
        assert share is not None
        assert share <= 0.5


def test_what_is_calibrated_on_is_never_asked() -> None:
    kept = held_back()
    assert {each.text for each in kept}.isdisjoint(each.text for each in ALL)
    golden = {passage for each in kept for passage in each.passages}
    assert golden.isdisjoint(passage for each in ALL for passage in each.passages)


# -- files of one's own ------------------------------------------------------------------


def test_questions_of_ones_own_say_what_is_known_of_them(write: Write) -> None:
    lines = [
        {"question": "Which fruit is red?", "answers": "apple", "passages": ["a"], "id": "red"},
        {"question": "Why?"},
    ]
    path = write("mine.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    assert asked(file=str(path)) == [
        Question("red", "Which fruit is red?", ("apple",), ("a",)),
        Question("2", "Why?"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no question of the sources passages in .*mine.jsonl: it has no questions"),
        ('{"question": "Who?", "source": "model"}', "sources passages in .*: it has model"),
        ('{"text": "Who?"}', "cannot use line 1 of .*mine.jsonl: no 'question'; expected an obj"),
        ('{"question": "Who?"}\n[1]', r"line 2 .*: it is no object but \[1\]; expected"),
        ('{"question": " "}', "its question is no text, or empty"),
        ('{"question": "Who?", "answers": 3}', "its answers are no list of texts"),
        ('{"question": "Who?", "source": "passage"}', "did you mean 'passages'?"),
        ("Who is it?", "cannot use line 1 of .*: Expecting value"),
    ],
)
def test_a_set_of_questions_that_is_none_is_refused(write: Write, text: str, message: str) -> None:
    path = write("mine.jsonl", text)
    with pytest.raises(MlbenchError, match=message):
        asked(file=str(path))


def test_a_source_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'passages', 'database' or 'model'"):
        Questions.model_validate({"sources": ["passage"]})


def test_a_corpus_of_ones_own_is_lines_of_json_or_text(write: Write, tmp_path: Path) -> None:
    lines = write("notes.jsonl", '{"id": "a", "text": "One."}\n{"text": "Two."}\n')
    assert [(each.id, each.text) for each in passages_of("test", str(lines))] == [
        ("a", "One."),
        ("2", "Two."),
    ]
    paragraphs = [f"{word} " * 40 for word in ("first", "second")]
    write("notes.txt", "\n\n".join(paragraphs))
    assert [each.id for each in passages_of("test", str(tmp_path / "notes.txt"))] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("notes.jsonl", "", "rag.index found no passage in .*notes.jsonl: it has no lines"),
        ("notes.jsonl", '{"id": "a"}', "line 1 .*: no 'text'; expected an object such as"),
        ("notes.jsonl", '{"text": 3}', "its text is no text, or empty"),
        ("notes.jsonl", '{"id": 1, "text": "a"}\n{"id": 1, "text": "b"}', "2 passages with the id"),
        ("notes.txt", "too short", "found no paragraph of 150 characters"),
    ],
)
def test_a_corpus_that_is_none_is_refused(write: Write, name: str, text: str, message: str) -> None:
    path = write(name, text)
    with pytest.raises(MlbenchError, match=message):
        passages_of("rag.index", str(path))


@pytest.mark.parametrize("name", ["image.png", "image.jsonl"])
def test_a_corpus_that_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(MlbenchError, match=r"rag\.index reads text, and .* is none: byte 0 is"):
        passages_of("rag.index", str(path))


@pytest.mark.parametrize("name", ["nowhere.jsonl", "nowhere.txt"])
def test_a_corpus_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MlbenchError, match=f"rag.index .*{name} "):
        passages_of("rag.index", str(tmp_path / name))


# -- words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        ("It calls `__exit__()`, always.", "__exit__", True),
        ("It calls `exit()`.", "__exit__", False),
        ("A post-mortem begins.", "post mortem", True),
        ("It gives -1.", "-1", True),
        ("It gives 1.", "-1", False),
        ("Append it.", "end", False),
        ("The Reference\ncount", "a reference count", True),
    ],
)
def test_an_answer_is_right_if_its_words_stand_in_the_text(
    text: str, answer: str, right: bool
) -> None:
    assert contains(text, answer) == right


def test_words_count_once_whatever_their_ending() -> None:
    assert share_in("Which exceptions are raised?", "The exception is raised here.") == 1
    assert share_in("Which fruit is red?", "The red apple.") == 0.5
