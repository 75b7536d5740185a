"""What a sink gives is written as far as JSON can say it, and never fails the run."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import in_both, items_of, run

from mlbench.engine.outputs import as_json
from mlbench.interfaces.stage import stage

pytestmark = pytest.mark.unit

INFINITY = float("inf")


def line(value: object) -> dict[str, Any]:
    text = as_json(3, "sink", 2, value)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    row: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
    assert (row["query"], row["sink"], row["branch"]) == (3, "sink", 2)
    return row


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def written(value: object) -> Any:
    return line(value)["output"]


class Colour(IntEnum):
    RED = 1


Pair = namedtuple("Pair", "left right")


class TestASmallValue:
    @pytest.mark.parametrize(
        "value",
        [None, True, 0, -7, 2**70, 1.5, "", "daisy", "über 日本 😀", [], {}, [1, [2, {"a": None}]]],
    )
    def test_is_written_whole(self, value):
        assert written(value) == value

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ((1, 2), [1, 2]),
            (Pair(1, "x"), [1, "x"]),
            (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
            ({1: "one", None: 0, (2, 3): "pair"}, {"1": "one", "None": 0, "(2, 3)": "pair"}),
            (Colour.RED, 1),
            (np.float64(0.25), 0.25),
        ],
    )
    def test_is_written_as_the_nearest_that_json_has(self, value, said):
        assert written(value) == said

    @pytest.mark.parametrize(
        ("value", "said"),
        [(INFINITY, "inf"), (-INFINITY, "-inf"), (float("nan"), "nan"), ([INFINITY], ["inf"])],
    )
    def test_that_json_has_not_is_text(self, value, said):
        assert written(value) == said

    def test_with_half_a_character_is_text(self):
        assert written("torn \ud83d") == "torn ?"
        assert written({"\udc80": 1}) == {"?": 1}


class TestALargeValue:
    def test_is_described(self):
        described = written(np.zeros((3, 4), dtype=np.float32))
        assert described == {"type": "numpy.ndarray", "shape": [3, 4], "dtype": "float32"}

    @pytest.mark.parametrize("value", [b"12345", bytearray(5), memoryview(b"12345")])
    def test_of_bytes_is_described_by_its_size(self, value):
        assert written(value) == {"type": type(value).__name__, "bytes": 5}

    def test_of_bytes_in_another_shape_is_described_by_its_size(self):
        assert written(memoryview(np.zeros((2, 3))))["bytes"] == 48

    def test_of_text_is_cut(self):
        text = written("x" * 1_000_000)
        assert len(text) < 20_000
        assert text.endswith("...")

    def test_of_many_items_is_cut(self):
        assert len(written(list(range(100_000)))) == 1000
        assert len(written(dict.fromkeys(range(100_000), 0))) == 1000

    def test_is_no_integer_that_python_refuses_to_print(self):
        assert written(10**100_000) == {"type": "builtins.int"}
        assert written([1, -(10**100_000)]) == [1, {"type": "builtins.int"}]

    def test_that_is_deep_ends_with_a_description(self):
        deep: list[Any] = []
        for _ in range(sys.getrecursionlimit() + 10):
            deep = [deep]
        assert "builtins.list" in json.dumps(written(deep))

    @pytest.mark.parametrize("width", [1, 10, 1000])
    def test_that_holds_itself_ends(self, width):
        ring: list[Any] = []
        ring.extend([ring] * width)
        assert len(as_json(0, "s", 0, ring)) < 1_000_000
        knot: dict[str, Any] = {}
        knot.update({str(number): knot for number in range(width)})
        assert len(as_json(0, "s", 0, knot)) < 1_000_000

    def test_that_holds_one_thing_many_times_is_cut(self):
        value: list[Any] = ["x" * 10_000] * 1000
        for _ in range(4):
            value = [value] * 1000
        assert len(as_json(0, "s", 0, value)) < 1_000_000

    def test_of_long_keys_is_cut(self):
        value = {"k" * 100_000 + str(number): number for number in range(1000)}
        assert len(as_json(0, "s", 0, value)) < 1_000_000


class Refuses:
    """Raises at whatever one may ask of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no")


class Circle:
    shape = "circle"


class Lazy:
    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError("not loaded")


class OddShape:
    shape = ("wide", None)


class BadKey:
    def __str__(self) -> str:
        raise RuntimeError("no name")


class BadDict(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no items")


class BadList(list[int]):
    def __getitem__(self, index: Any) -> Any:
        raise RuntimeError("no items")


class BadFloat(float):
    def __abs__(self) -> float:
        raise RuntimeError("no size")


def released() -> memoryview:
    view = memoryview(b"12")
    view.release()
    return view


HOSTILE: dict[str, Callable[[], object]] = {
    "object": Refuses,
    "inside a list": lambda: [Refuses()],
    "inside a dict": lambda: {"a": Refuses()},
    "key": lambda: {BadKey(): 1},
    "dict": lambda: BadDict(a=1),
    "list": lambda: BadList([1]),
    "float": lambda: BadFloat(1),
    "lazy shape": Lazy,
    "odd shape": OddShape,
    "shape of another kind": Circle,
    "released memory": released,
    "iterator": lambda: iter([1]),
    "complex": lambda: 1j,
    "set": lambda: {1, 2},
    "class": lambda: Refuses,
    "function": lambda: released,
    "constant": lambda: NotImplemented,
    "array of objects": lambda: np.array([{}]),
    "array of nothing": lambda: np.array(None),
}


class TestAHostileValue:
    @pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE)
    def test_is_told_by_its_type_at_least(self, made):
        assert written(made()) is not None

    def test_says_why_it_could_not_be_read(self):
        kind = f"{__name__}.BadList"
        assert written(BadList([1])) == {"type": kind, "unreadable": "RuntimeError"}

    def test_with_a_shape_that_is_none_has_none(self):
        assert written(Circle()) == {"type": f"{__name__}.Circle"}

    @in_both
    def test_fails_no_query(self, execution):
        @stage
        def gives(number: int) -> object:
            return (Refuses(), BadKey, {BadKey(): 1}, 10**100_000)[number]

        ran = run({"a": gives}, 4, execution, data=items_of(0, 1, 2, 3))
        assert {each.error for each in ran.completions} == {None}
        assert len(ran.outputs) == 4


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=20,
    )
)
def test_whatever_it_is_it_is_one_line_of_json(value):
    line(value)
