"""When a column of NVML is asked, and by what: without a driver."""

from __future__ import annotations

import pytest

from mlbench.interfaces.probe import Context, Row
from mlbench.probes.nvml_columns import Column, Columns

pytestmark = pytest.mark.unit

MS = 1_000_000


class NVMLError(Exception):
    """What pynvml raises: a code."""

    def __init__(self, value: int) -> None:
        super().__init__(f"code {value}")
        self.value = value


class Nvml:
    """As much of pynvml as columns see."""

    NVMLError = NVMLError


class Asked:
    """A question that answers with how often it was asked; or raises."""

    def __init__(self, *codes: int) -> None:
        self.count = 0
        self._codes = list(codes)

    def __call__(self) -> list[Row]:
        self.count += 1
        if self._codes and (code := self._codes.pop(0)):
            raise NVMLError(code)
        return [("m", float(self.count), 0, None, "gpu0", None, None)]


class Now:
    """The time, as it is told."""

    ns = 1000 * MS

    def __call__(self) -> int:
        return self.ns


def columns_of(*columns: Column, now: Now | None = None) -> Columns:
    found = Columns(Nvml(), Context(clock=now or Now()))
    for column in columns:
        found.add(column)
    return found


def test_what_is_renewed_seldom_is_asked_seldom() -> None:
    seldom, often, now = Asked(), Asked(), Now()
    columns = columns_of(
        Column("gpu0", "medium", ("m",), seldom, apart_ns=90 * MS),
        Column("gpu0", "medium", ("m",), often),
        now=now,
    )
    for _ in range(20):
        columns.read("medium")
        now.ns += 10 * MS
    assert (seldom.count, often.count) == (3, 20)


def test_a_tier_asks_its_own_columns() -> None:
    fast, slow = Asked(), Asked()
    columns = columns_of(Column("gpu0", "fast", ("m",), fast), Column("gpu0", "slow", ("m",), slow))
    columns.read("fast")
    columns.read("fast")
    columns.read("slow")
    assert (fast.count, slow.count) == (2, 1)


def test_what_stands_in_for_a_column_is_asked_in_its_place() -> None:
    older = Asked()
    newer = Column(
        "gpu0", "fast", ("m",), Asked(3), otherwise=lambda: Column("gpu0", "fast", ("m",), older)
    )
    columns = columns_of(newer)
    assert columns.read("fast") == []
    assert len(columns.read("fast")) == 1
    assert columns.context.nulls == {}


def test_failures_that_are_not_in_sequence_are_forgotten() -> None:
    column = Column("gpu0", "fast", ("m",), Asked(*(999, 0) * 60))
    columns = columns_of(column)
    for _ in range(120):
        columns.read("fast")
    assert not column.gone
    assert columns.context.nulls == {}
