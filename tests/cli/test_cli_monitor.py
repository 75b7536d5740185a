"""``mlbench monitor``: recordings of the machine, and the table of what was read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from mlbench import open_run
from mlbench.cli.gauges import Gauges
from mlbench.records import SAMPLES
from mlbench.store.stream import schema_of

S = 1_000_000_000


def test_a_recording_is_a_run_that_opens(cli, tmp_path: Path) -> None:
    result = cli("monitor", "--seconds", 0.6, "--out", tmp_path, "--set", "telemetry.rates.slow=20")

    assert result.exit_code == 0, result.stderr
    assert "host_memory_used" in result.stdout
    assert "not read: cpu_energy" in result.stdout or "cpu_energy" in result.stdout
    (path,) = tmp_path.iterdir()
    run = open_run(path)
    assert (run.status, list(run.bench.pipelines)) == ("done", [])
    assert set(run.samples()["metric"]) >= {"host_cpu_busy", "host_memory_used"}
    assert cli("show", path).exit_code == 0


def test_an_ended_run_is_shown_with_what_its_pipelines_used(cli, done) -> None:
    result = cli("monitor", done.path)

    assert result.exit_code == 0
    assert "memory_rss" in result.stdout
    assert "flaky" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "telemetry.rates.fast=0"), "telemetry.rates.fast: expected more than 0"),
        (("--set", "telemetry.probes.nvmll={}"), "did you mean 'nvml'?"),
        (("nowhere",), "there is no run nowhere"),
        (("--seconds", 0), "0"),
    ],
)
def test_a_mistake_is_one_clear_message(
    cli, tmp_path: Path, arguments: tuple[object, ...], told: str
) -> None:
    result = cli("monitor", "--out", tmp_path, *arguments)

    assert result.exit_code == 2
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


# -- the gauges --------------------------------------------------------------------------

MANIFEST = {
    "metrics": [
        {"name": "memory_rss", "unit": "bytes", "kind": "level", "source": "a file"},
        {"name": "cpu_time", "unit": "s", "kind": "increase", "source": "a file"},
    ],
    "devices": [{"name": "gpu0"}],
    "pipelines": {"a": {}, "b": {}},
}


def gauges_of(*batches: list[tuple[float, float, int, int | None, int | None, float]]) -> Any:
    """The rows after some batches: start, end in seconds, metric, device, pipeline, value."""
    tables = []
    for rows in batches:
        names = ("start", "end", "metric", "device", "pipeline", "value")
        made = [dict(zip(names, row, strict=True), pid=None) for row in rows]
        for row in made:
            row |= {"start": round(row["start"] * S), "end": round(row["end"] * S)}
        tables.append(pa.RecordBatch.from_pylist(made, schema=schema_of(SAMPLES)))
    run = SimpleNamespace(tail=lambda cursor: ({"samples": [tables[len(cursor)]]}, [*cursor, 0]))
    gauges = Gauges(run)  # type: ignore[arg-type]  # only its tail is used
    gauges._cursor = []  # type: ignore[assignment]  # counts the calls
    for _ in batches:
        gauges.update(MANIFEST)
    return list(gauges.rows(MANIFEST))


@pytest.mark.unit
def test_a_level_has_its_last_value_mean_and_range_over_all_batches() -> None:
    rows = gauges_of(
        [(1, 1, 0, None, 1, 10.0), (2, 2, 0, None, 1, 30.0), (2, 2, 0, None, 0, 7.0)],
        [(3, 3, 0, None, 1, 20.0)],
    )
    assert [(who, unit, g.last, g.mean, g.low, g.high) for who, _, unit, _, g in rows] == [
        ("a", "bytes", 7, 7, 7, 7),
        ("b", "bytes", 20, 20, 10, 30),
    ]


@pytest.mark.unit
def test_a_counter_is_shown_per_second_and_weighs_as_long_as_it_held() -> None:
    ((who, metric, unit, _, gauge),) = gauges_of(
        [(0, 1, 1, None, 0, 1.0), (1, 4, 1, None, 0, 6.0), (4, 4, 1, None, 0, 5.0)]
    )
    assert (who, metric, unit) == ("a", "cpu_time", "cores")
    assert (gauge.last, gauge.low, gauge.high) == (2, 1, 2)
    assert gauge.mean == pytest.approx(7 / 4)


@pytest.mark.unit
def test_a_sample_of_a_device_and_a_pipeline_names_both() -> None:
    ((who, *_),) = gauges_of([(1, 1, 0, 0, 1, 5.0)])
    assert who == "gpu0, b"
