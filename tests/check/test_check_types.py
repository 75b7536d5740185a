"""Types: what a stage gives is what the next one takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import numpy as np
import numpy.typing as npt
import pytest

from mlbench.check.ports import describe, fits
from mlbench.interfaces.stage import Context, DataSource, Stage, stage

pytestmark = pytest.mark.unit

Number = NewType("Number", int)
Item = TypeVar("Item")


class Row(TypedDict):
    name: str


class Closes(Protocol):
    def close(self) -> None: ...


FITTING = [
    (object, int),
    (Any, int),
    (int, object),
    (bool, int),
    (int, float),
    (int, complex),
    (None, Optional[int]),  # noqa: UP045
    (int, int | None),
    (Union[int, str], int | str | None),  # noqa: UP007
    (list[int], list[float]),
    (list, list[str]),
    (list[int], list),
    (list[int], Sequence[float]),
    (dict[str, int], dict),
    (dict[str, int | str], dict[str, object]),
    (dict[str, int], Iterable[str]),
    (tuple[int, str], tuple[int, str]),
    (tuple[int, ...], Sequence[int]),
    (tuple[bool, ...], tuple[int, ...]),
    (npt.NDArray[np.float64], np.ndarray),
    (npt.NDArray[np.float64], npt.NDArray[np.float64]),
    (Annotated[int, "an age"], int),
    (Number, int),
    (Item, int),
    (Row, dict),
    (dict[str, str], Row),
    (int, Closes),
    (Literal["a"], str),
    (Literal["a"], Literal["a", "b"]),
    (Callable[[int], str], Callable[[str], str]),
    (int, "a type that cannot be told"),
]

MISFITTING = [
    (str, int),
    (float, int),
    (int | None, int),
    (None, int),
    (list[int], list[str]),
    (list[int], int),
    (dict[str, int], dict[str, str]),
    (tuple[int, str], tuple[int]),
    (tuple[int, ...], Sequence[str]),
    (list[int], Iterable[str]),
    (npt.NDArray[np.float64], npt.NDArray[np.int64]),
    (Annotated[str, "a name"], int),
    (Number, str),
    (Row, list),
    (Literal["a", "c"], Literal["a", "b"]),
    (str, Literal["a"]),
    (int, Callable[[str], str]),
]


@pytest.mark.parametrize(("given", "wanted"), FITTING)
def test_these_fit(given, wanted):
    assert fits(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), MISFITTING)
def test_these_do_not(given, wanted):
    assert not fits(given, wanted)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (object, "anything"),
        (None, "None"),
        (Optional[int], "int | None"),  # noqa: UP045
        (dict[str, list[int | None]], "dict[str, list[int | None]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (np.ndarray, "numpy.ndarray"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, "x"], "int"),
        (Number, "Number"),
        (Callable[[int], str], "Callable"),
    ],
)
def test_a_type_is_told_as_a_person_writes_it(annotation, text):
    assert describe(annotation) == text


class Words(DataSource):
    gives = str

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[str]]:
        yield ["word"]


class Judge(Stage):
    outputs = {"good": int, "bad": str}

    @contextmanager
    def open(self, context: Context) -> Iterator[object]:
        yield lambda payload: payload


@stage
def length(text: str) -> int:
    return len(text)


@stage
def upper(text: str) -> str:
    return text.upper()


@stage
def double(number: int) -> int:
    return 2 * number


@stage
def size(block: bytearray) -> int:
    return len(block)


@stage
def lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


@stage
def count(texts: list[str]) -> int:
    return len(texts)


@stage
def either(payload: str | list[str]) -> int | list[int]:
    return len(payload) if isinstance(payload, str) else [len(text) for text in payload]


@stage
def gather(parts: dict[str, int]) -> int:
    return sum(parts.values())


@stage
def gather_anything(parts: dict) -> int:
    return len(parts)


WORDS = {"uses": Words}
PIPELINED = {"data": WORDS, "execution": "pipelined"}


def test_an_edge_names_both_stages_and_both_types(told):
    stages = {"a": {"uses": length, "to": "b"}, "b": {"uses": upper}}
    assert told(stages, data=WORDS) == ["stages.a.to: 'a' gives int, but 'b' takes str"]


def test_each_branch_of_a_fan_out_is_an_edge(told):
    stages = {
        "a": {"uses": length, "to": ["b", "c"]},
        "b": {"uses": double},
        "c": {"uses": upper},
    }
    assert told(stages, data=WORDS) == ["stages.a.to.1: 'a' gives int, but 'c' takes str"]


def test_the_data_feeds_the_entry(told):
    (problem,) = told({"a": {"uses": double}}, data=WORDS)
    assert problem == f"data.uses: the data '{__name__}:Words' gives str, but 'a' takes int"


def test_items_that_are_numbers_or_blocks_feed_what_takes_them(told):
    blocks = {"uses": "synthetic.items", "with": {"bytes": 8}}
    assert told({"a": {"uses": double}}) == []
    assert told({"a": {"uses": size}}, data=blocks) == []
    assert told({"a": {"uses": double}}, data=blocks) == [
        "data.uses: the data 'synthetic.items' gives bytearray, but 'a' takes int"
    ]
    assert told({"a": {"uses": upper}}) == [
        "data.uses: the data 'synthetic.items' gives int, but 'a' takes str"
    ]


def test_several_items_come_as_a_list(told):
    data = WORDS | {"items_per_query": 8}
    assert told({"a": {"uses": lengths}}, data=data) == []
    assert told({"a": {"uses": upper}}, data=data) == [
        "data.items_per_query: with items_per_query 8 the data gives list[str], but 'a' takes str"
    ]


def test_each_output_of_a_router_has_its_type(told):
    stages = {
        "a": {"uses": Judge, "to": {"good": "b", "bad": "b"}},
        "b": {"uses": double},
    }
    assert told(stages, data=WORDS) == [
        "stages.a.to.bad: 'a' gives str as 'bad', but 'b' takes int"
    ]


class TestJoins:
    def diamond(self, join: object, second: object) -> dict[str, dict[str, object]]:
        return {
            "a": {"uses": upper, "to": ["b", "c"]},
            "b": {"uses": length, "to": "d"},
            "c": {"uses": second, "to": "d"},
            "d": {"uses": join, "join": ["b", "c"]},
        }

    def test_one_takes_a_mapping(self, told):
        assert told(self.diamond(gather, length), data=WORDS) == []
        assert told(self.diamond(gather_anything, upper), data=WORDS) == []

    def test_of_what_all_its_sources_give(self, told):
        assert told(self.diamond(gather, upper), data=WORDS) == [
            "stages.d.join: 'd' joins dict[str, int | str], but 'd' takes dict[str, int]"
        ]

    def test_nothing_else(self, told):
        assert told(self.diamond(double, length), data=WORDS) == [
            "stages.d.join: 'd' joins dict[str, int], but 'd' takes int"
        ]


def test_then_gets_the_payload_that_the_branch_came_with(told):
    stages = {
        "a": {"uses": upper, "to": "again"},
        "again": {"uses": upper, "to": "a", "max_visits": 2, "then": "out"},
        "out": {"uses": double},
    }
    assert told(stages, data=WORDS) == [
        "stages.again.then: 'a' gives str, which 'again' passes on, but 'out' takes int"
    ]


class TestBatches:
    def test_one_comes_as_a_list_and_leaves_one_by_one(self, told):
        stages = {
            "a": {"uses": upper, "to": "b"},
            "b": {"uses": lengths, "batch": {"size": 4}, "to": "c"},
            "c": {"uses": double},
        }
        assert told(stages, **PIPELINED) == []

    def test_a_stage_that_takes_no_list_cannot(self, told):
        assert told({"a": {"uses": upper, "batch": {"size": 4}}}, **PIPELINED) == [
            "stages.a.batch: 'a' takes str, but a batch comes as a list"
        ]

    def test_a_stage_that_gives_no_list_cannot(self, told):
        assert told({"a": {"uses": count, "batch": {"size": 4}}}, **PIPELINED) == [
            "stages.a.batch: 'a' gives int, but a batch needs a list of results"
        ]

    def test_a_stage_that_gives_one_result_or_a_list_can(self, told):
        assert told({"a": {"uses": either, "batch": {"size": 4}}}, **PIPELINED) == []

    def test_its_payloads_have_the_type_of_the_list(self, told):
        stages = {
            "a": {"uses": length, "to": "b"},
            "b": {"uses": lengths, "batch": {"size": 4}},
        }
        assert told(stages, **PIPELINED) == [
            "stages.a.to: 'a' gives int, but 'b' takes list[str] for a batch"
        ]


def test_a_stage_of_one_s_own_that_takes_some_of_what_comes_is_told_how_to_take_all(told):
    @stage
    def first(word: str) -> dict[str, object] | list[int]:
        return [len(word)]

    @stage
    def second(answer: dict) -> dict:  # type: ignore[type-arg]  # as people write it
        return answer

    stages = {"a": {"uses": first, "to": "b"}, "b": {"uses": second}}
    (problem,) = told(stages, data=WORDS)
    assert problem.endswith("(annotate what it takes with dict | list[int], or not at all)")
