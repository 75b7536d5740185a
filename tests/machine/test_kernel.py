"""The lists of processors that Linux writes."""

from __future__ import annotations

import pytest

from mlbench.machine.kernel import cpu_range, parse_cpus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("listed", "cpus"),
    [("0", (0,)), ("0-3", (0, 1, 2, 3)), ("0,4-5,9", (0, 4, 5, 9))],
)
def test_a_list_reads_and_writes_back(listed: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(listed) == cpus
    assert cpu_range(cpus) == listed


@pytest.mark.parametrize("listed", [None, "", "all", "0-"])
def test_what_is_no_list_is_null(listed: str | None) -> None:
    assert parse_cpus(listed) is None
