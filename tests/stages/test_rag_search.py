"""The parts of a search: vectors, keywords, fusion, grading, and its calibration."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from rag_support import FRUIT, ScriptedModel, found, scores, vectors_of

from mlbench.errors import QueryError
from mlbench.interfaces.stage import Context
from mlbench.stages.rag.bm25 import BM25
from mlbench.stages.rag.calibrate import best_threshold, calibrate
from mlbench.stages.rag.found import Found
from mlbench.stages.rag.fuse import Fuse, fused
from mlbench.stages.rag.grade import Grade
from mlbench.stages.rag.keywords import Keywords
from mlbench.stages.rag.passage import Passage
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.retrieve import Retrieve

pytestmark = pytest.mark.unit

YELLOW = Question("1", "Which long fruit is yellow?", passages=("banana",))
SEA = Question("2", "Who lives in the sea?", passages=("whale",))


def call(stage: Any, payload: Any, context: Context) -> Any:
    with stage.open(context) as function:
        return function(payload)


def context_with(**resources: object) -> Context:
    return Context(resources=resources)


def ids(what: Found) -> list[str]:
    return [hit.passage.id for hit in what.hits]


# -- vectors -----------------------------------------------------------------------------


def test_retrieval_gives_the_nearest_passages_the_best_first() -> None:
    context = context_with(index=vectors_of())
    result = call(Retrieve(index="$index", k=2), YELLOW, context)
    assert ids(result)[0] == "banana"
    assert len(result.hits) == 2
    assert result.hits[0].score > result.hits[1].score
    assert scores(context) == [("retrieval_hit", 1)]


def test_the_margin_is_the_best_over_the_fifth_whatever_k_is() -> None:
    more = [Passage(str(number), "Nothing of the kind.") for number in range(3)]
    context = context_with(index=vectors_of([*FRUIT, *more]))
    five = call(Retrieve(index="$index", k=5), YELLOW, context)
    margin = five.hits[0].score - five.hits[4].score
    for k in (1, 4, 9):
        assert call(Retrieve(index="$index", k=k), YELLOW, context).margin == margin


def test_a_corpus_smaller_than_k_gives_all_that_it_has() -> None:
    context = context_with(index=vectors_of(FRUIT[:1]))
    result = call(Retrieve(index="$index", k=3), YELLOW, context)
    assert (ids(result), result.margin) == (["apple"], 0)
    assert scores(context) == [("retrieval_hit", 0)]


def test_a_question_whose_passages_are_not_known_has_no_score() -> None:
    context = context_with(index=vectors_of())
    call(Retrieve(index="$index"), Question("1", "Which fruit?"), context)
    assert scores(context) == []


def test_the_rewriting_is_searched_for_too() -> None:
    context = context_with(index=vectors_of())
    question = Question("1", "Which one?", rewriting="What breathes air?")
    assert ids(call(Retrieve(index="$index", k=1), question, context)) == ["whale"]


# -- keywords ----------------------------------------------------------------------------


def test_keywords_find_passages_that_share_words_and_no_others() -> None:
    context = context_with(index=vectors_of())
    result = call(Keywords(index="$index", k=3), SEA, context)
    assert ids(result) == ["whale"]
    assert result.margin is None
    assert scores(context) == [("retrieval_hit", 1)]


def test_bm25_is_what_the_formula_says() -> None:
    passages = [Passage("a", "red red rose"), Passage("b", "blue rose")]
    (best, other) = BM25(passages, k1=1.2, b=0.75).search("red rose", 2)
    idf_red, idf_rose = 0.6931471805599453, 0.1823215567939546  # log(2), log(1.2)
    longer, shorter = 1.2 * (0.25 + 0.75 * 3 / 2.5), 1.2 * (0.25 + 0.75 * 2 / 2.5)
    expected = idf_red * 2 * 2.2 / (2 + longer) + idf_rose * 2.2 / (1 + longer)
    assert (best.passage.id, best.score) == ("a", pytest.approx(expected))
    assert (other.passage.id, other.score) == ("b", pytest.approx(idf_rose * 2.2 / (1 + shorter)))


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    passages = [Passage(str(n), "fruit") for n in range(5)] + [Passage("rare", "quince")]
    assert BM25(passages, 1.2, 0.75).search("fruit quince", 1)[0].passage.id == "rare"


# -- fusion ------------------------------------------------------------------------------


def test_fusion_adds_reciprocal_ranks() -> None:
    searches = {
        "retrieve": found(YELLOW, "apple", "banana", margin=0.2),
        "keywords": found(YELLOW, "banana", "carrot"),
    }
    result = fused(searches, k=3, constant=60)
    assert [(hit.passage.id, hit.score) for hit in result.hits] == [
        ("banana", pytest.approx(1 / 62 + 1 / 61)),
        ("apple", pytest.approx(1 / 61)),
        ("carrot", pytest.approx(1 / 62)),
    ]
    assert (result.question, result.margin) == (YELLOW, 0.2)


def test_the_score_of_a_fusion_is_that_of_what_it_keeps() -> None:
    context = Context()
    searches = {"a": found(SEA, "apple"), "b": found(SEA, "whale")}
    assert ids(call(Fuse(k=1), searches, context)) == ["apple"]
    assert scores(context) == [("retrieval_hit", 0)]


# -- grading -----------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "route"), [(0.1, "relevant"), (0.09, "irrelevant")])
def test_a_search_is_relevant_if_its_best_passage_stands_out(margin: float, route: str) -> None:
    search = found(YELLOW, "banana", margin=margin)
    result = call(Grade(threshold=0.1), search, Context())
    assert (result.name, result.payload) == (route, search)


def test_grading_by_margin_needs_a_search_by_vectors() -> None:
    with pytest.raises(QueryError, match=r"put rag.retrieve before it, .* or use by: model"):
        call(Grade(), found(YELLOW, "banana"), Context())


@pytest.mark.parametrize(
    ("says", "route"), [("Yes, it does.", "relevant"), ("No. It may.", "irrelevant")]
)
def test_a_model_is_asked_of_each_passage_until_it_says_yes(says: str, route: str) -> None:
    model = ScriptedModel(lambda prompt: says if "banana" in prompt else "no")
    search = found(YELLOW, "apple", "banana", "whale")
    assert call(Grade(by="model", lm="$lm"), search, context_with(lm=model)).name == route
    assert len(model.prompts) == (2 if route == "relevant" else 3)
    assert YELLOW.text in model.prompts[0]


def test_grading_by_a_model_needs_one() -> None:
    with pytest.raises(ValidationError, match=r"by: model needs a language model, lm: \$lm"):
        Grade(by="model")


# -- calibration -------------------------------------------------------------------------


def test_the_threshold_tells_most_of_both_kinds_apart() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    result = best_threshold(values, [False, True, False, True, True])
    assert result.threshold == pytest.approx(0.35)
    assert result.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert (result.relevant, result.irrelevant) == (3, 2)


def test_a_threshold_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="found the answer and some that did not"):
        best_threshold([0.1, 0.2], [True, True])


def test_calibration_takes_the_questions_whose_passages_are_known() -> None:
    missed = Question("3", "Which fruit is yellow and long?", passages=("whale",))
    unknown = Question("4", "Which fruit?")
    result = calibrate(vectors_of(), [YELLOW, SEA, missed, unknown], k=1)
    assert (result.relevant, result.irrelevant) == (2, 1)
