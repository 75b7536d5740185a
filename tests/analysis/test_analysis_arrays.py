"""Keys and rows, against NumPy's own slower ways."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbench.analysis.arrays import ascending, distinct, greatest, locate, selected

pytestmark = pytest.mark.unit

NEAR = st.lists(st.integers(-5, 40), max_size=40)
FAR = st.lists(st.integers(-(2**61), 2**61), max_size=20)


@given(NEAR | FAR)
def test_distinct_is_numpys_unique(keys: list[int]) -> None:
    array = np.array(keys, dtype=np.int64)
    assert distinct(array).tolist() == np.unique(array).tolist()


@given(NEAR | FAR)
def test_ascending_is_sorted(values: list[int]) -> None:
    assert ascending(np.array(values, dtype=np.int64)).tolist() == sorted(values)


@given(st.integers(-9, 9), st.integers(1, 30), NEAR)
def test_keys_that_count_up_are_found_like_any(first: int, count: int, wanted: list[int]) -> None:
    keys = np.arange(first, first + count)
    found = locate(keys, np.array(wanted, dtype=np.int64))
    assert found.tolist() == [key - first if key in keys else -1 for key in wanted]


@settings(deadline=None)  # Arrow loads what it needs at the first call
@given(st.lists(st.booleans(), max_size=30), st.integers(1, 9))
def test_selecting_is_filtering(mask: list[bool], batch: int) -> None:
    table = pa.table({"a": np.arange(len(mask))})
    table = pa.Table.from_batches(table.to_batches(max_chunksize=batch), table.schema)
    rows = np.array(mask, dtype=np.bool_)
    assert selected(table, rows)["a"].to_pylist() == np.flatnonzero(rows).tolist()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9)), max_size=30))
def test_the_greatest_of_each_group(pairs: list[tuple[int, int]]) -> None:
    group = np.array([g for g, _ in pairs], dtype=np.int64)
    values = np.array([v for _, v in pairs], dtype=np.int64)
    kept = greatest(values, group, np.arange(len(pairs)), 5)
    best = {g: max(v for h, v in pairs if h == g) for g, _ in pairs}
    assert kept.tolist() == [row for row, (g, v) in enumerate(pairs) if v == best[g]]
