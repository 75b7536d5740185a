"""Replay: the due times are the trace's, to the nanosecond."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlbench.loads.replay import Replay
from mlbench.loads.trace import instant_ns

pytestmark = pytest.mark.unit


def write(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def due(**options: object) -> list[int]:
    return list(Replay.model_validate(options).due(Random(0)))


def test_a_csv_with_date_times_as_azure_publishes_them(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "azure.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:17:03.9799600,4808,10\n"
        "2023-11-16 18:17:04.0319600,110,27\n"
        "2023-11-16 18:17:04.0781490,110,27\n",
    )
    assert due(path=path, timestamps="TIMESTAMP") == [0, 52_000_000, 98_189_000]


def test_a_csv_with_seconds_as_burstgpt_publishes_them(tmp_path: Path) -> None:
    path = write(tmp_path, "burst.csv", "Timestamp,Model\n5,ChatGPT\n45,ChatGPT\n118.25,GPT-4\n")
    assert due(path=path, timestamps="Timestamp") == [0, 40 * 10**9, 113_250_000_000]


def test_json_lines_with_milliseconds_as_mooncake_publishes_them(tmp_path: Path) -> None:
    rows = [{"timestamp": 0, "input_length": 9}, {"timestamp": 3052}, {"timestamp": 3052}]
    path = write(tmp_path, "mooncake.jsonl", "\n".join(map(json.dumps, rows)))
    assert due(path=path, timestamps="timestamp", unit="ms") == [0, 3_052_000_000, 3_052_000_000]


def test_a_json_list_of_gaps(tmp_path: Path) -> None:
    path = write(tmp_path, "gaps.json", '[{"gap": 0.1}, {"gap": 0.2}, {"gap": 0}]')
    assert due(path=path, gaps="gap") == [100_000_000, 300_000_000, 300_000_000]


def test_decimals_are_exact_where_binary_fractions_are_not(tmp_path: Path) -> None:
    """1,700,000,000.123456789 s has more digits than a double holds."""
    path = write(tmp_path, "t.csv", "t\n1700000000.000000000\n1700000000.123456789\n")
    assert due(path=path, timestamps="t") == [0, 123_456_789]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=30).map(sorted))
def test_nanoseconds_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, times: list[int]
) -> None:
    lines = "\n".join(f"{time // 10**9}.{time % 10**9:09}" for time in times)
    path = write(tmp_path_factory.mktemp("trace"), "t.csv", f"t\n{lines}\n")
    assert due(path=path, timestamps="t") == [time - times[0] for time in times]


def test_time_zones_count(tmp_path: Path) -> None:
    path = write(tmp_path, "z.csv", "t\n2024-01-01T00:30:00+01:00\n2023-12-31T23:30:01Z\n")
    assert due(path=path, timestamps="t") == [0, 10**9]


@given(st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_date_time_agrees_with_python(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    passed = aware - datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert instant_ns(aware.isoformat(), Decimal(1)) == passed // timedelta(microseconds=1) * 1000


def test_scale_and_limit(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "t\n0\n1\n3\n9\n")
    assert due(path=path, timestamps="t", scale="0.1", limit=3) == [0, 100_000_000, 300_000_000]


def test_a_trace_out_of_order_is_put_in_order_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "t\n5\n1\n3\n")
    wrong = Replay(path=path, timestamps="t").missing()
    assert wrong is not None
    assert "row 2" in wrong
    assert "sort: true" in wrong
    assert due(path=path, timestamps="t", sort=True) == [0, 2 * 10**9, 4 * 10**9]


@pytest.mark.parametrize(
    ("name", "text", "options", "expected"),
    [
        ("t.csv", "time,x\n1,2\n", {"timestamps": "tiem"}, "did you mean 'time'?"),
        ("t.csv", "t\n1\nsoon\n", {"timestamps": "t"}, "row 2: expected a number or a date-time"),
        ("t.csv", "t\n1\n\n2\nnan\n", {"timestamps": "t"}, "expected a finite number"),
        ("t.csv", "t\n", {"timestamps": "t"}, "the trace has no rows"),
        ("t.csv", "g\n1\n-1\n", {"gaps": "g"}, "row 2: the gap is negative"),
        ("t.json", '{"t": 1}', {"timestamps": "t"}, "expected a list of objects"),
        ("t.json", "[1, 2]", {"timestamps": "t"}, "expected an object with the key 't', not int"),
        ("t.jsonl", '{"t": 1}\n{"t": ', {"timestamps": "t"}, "row 2"),
        ("t.parquet", "", {"timestamps": "t"}, "ends in .json, .jsonl or .csv"),
        ("t.csv", 't\n"2024-13-01 00:00:00"\n', {"timestamps": "t"}, "row 1"),
    ],
)
def test_what_is_wrong_with_a_trace_is_said_with_its_row(
    tmp_path: Path, name: str, text: str, options: dict[str, str], expected: str
) -> None:
    missing = Replay(path=write(tmp_path, name, text), **options).missing()
    assert missing is not None
    assert name in missing
    assert expected in missing


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    missing = Replay(path=str(tmp_path / "none.csv"), timestamps="t").missing()
    assert missing is not None
    assert "No such file" in missing


def test_timestamps_or_gaps_but_not_both() -> None:
    with pytest.raises(ValidationError, match="either timestamps"):
        Replay(path="t.csv")
    with pytest.raises(ValidationError, match="either timestamps"):
        Replay(path="t.csv", timestamps="a", gaps="b")
