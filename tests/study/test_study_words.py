"""Estimates in words: whatever the interval, its bounds can be told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbench.cli.numbers import significant
from mlbench.study.words import number, told

pytestmark = pytest.mark.unit

SHOWN = [number, significant]
ENDS = st.floats(-1e4, 1e4, allow_nan=False)


def interval(estimate: float, low: float | None, high: float | None) -> dict[str, float | None]:
    return {"estimate": estimate, "low": low, "high": high}


@pytest.mark.parametrize("show", SHOWN)
@given(low=ENDS, width=st.floats(1e-5, 1e4))
def test_bounds_differ_as_numbers_and_hold_the_estimate(show, low, width):
    high = low + width
    text, bounds = told(interval((low + high) / 2, low, high), show)
    shown = [float(each.replace(",", "").replace("<", "")) for each in bounds.split(" to ")]
    if max(abs(low), abs(high)) > 0.01:  # a table has four decimals, where zero is not far
        assert shown[0] < shown[1]
    assert shown[0] <= float(text.replace(",", "").replace("<", "")) <= shown[1]


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize(
    ("estimate", "low", "high", "text"),
    [
        (1.0004, 0.9987, 1.0021, "1.000 (0.999 to 1.002)"),
        (9.998, 9.996, 10.001, "9.998 (9.996 to 10.001)"),
        (0.1, 0.0998, 0.1002, "0.1000 (0.0998 to 0.1002)"),
        (1234.2, 1234.1, 1234.3, "1,234.2 (1,234.1 to 1,234.3)"),
        (1.42, 1.302, 1.541, "1.42 (1.30 to 1.54)"),
    ],
)
def test_narrow_intervals_get_more_digits_in_words_and_tables_alike(
    show, estimate, low, high, text
):
    assert "{} ({})".format(*told(interval(estimate, low, high), show)) == text


def test_an_end_that_nothing_bounds_is_said():
    assert told(interval(2.0, 1.5, None)) == ("2.00", "1.50 to unbounded")
    assert told(interval(2.0, None, None)) == ("2.00", "one block, no interval")
