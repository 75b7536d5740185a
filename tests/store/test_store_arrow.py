"""Arrow's columns as NumPy arrays and back, without what would import pandas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from mlbench.records import NULL
from mlbench.store.arrow import from_numpy, to_numpy

pytestmark = pytest.mark.unit


def test_the_null_of_each_type_has_its_stand_in() -> None:
    assert to_numpy(pa.array([1, None], pa.int32())).tolist() == [1, -1]
    assert to_numpy(pa.array([1, None], pa.int64())).tolist() == [1, NULL]
    assert np.isnan(to_numpy(pa.array([1.0, None], pa.float64()))).tolist() == [False, True]


def test_a_slice_gives_its_own_rows_and_nulls() -> None:
    values = pa.array([*range(20), None, 21], pa.int64())
    assert to_numpy(values[19:]).tolist() == [19, NULL, 21]
    assert to_numpy(values[3:5]).tolist() == [3, 4]


def test_chunks_are_joined_and_none_are_nothing() -> None:
    values = pa.chunked_array([[1], [], [None, 3]], pa.int64())
    assert to_numpy(values).tolist() == [1, NULL, 3]
    assert to_numpy(pa.chunked_array([], pa.float64())).dtype == np.float64


def test_an_array_becomes_arrows_and_comes_back() -> None:
    values = np.array([3, 1, 2], np.int64)[::-1]
    assert to_numpy(from_numpy(values)).tolist() == [2, 1, 3]
    assert from_numpy(values, values != 1).to_pylist() == [2, None, 3]


def test_a_mask_becomes_bits() -> None:
    mask = np.arange(11) % 3 == 0
    assert from_numpy(mask).to_pylist() == mask.tolist()


def test_pandas_is_not_imported() -> None:
    code = (
        "import sys, numpy as np; from mlbench.store.arrow import from_numpy, to_numpy; "
        "to_numpy(from_numpy(np.arange(3), np.arange(3) > 1)); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
