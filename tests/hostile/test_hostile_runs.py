"""Five hundred damaged run directories: each opens or gives one clear error.

Nothing in them is executed, no link out of them is followed, memory stays bounded.
"""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path
from random import Random

import pytest
from mutate import mutate_run

import mlbench
from mlbench.errors import MlbenchError

RUNS = 520
CHUNKS = 13
SECRET = b"do not read this"
MORE_MEMORY_BYTES = 1 << 30


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with routes, joins, failed queries, outputs and an open and a closed load."""
    items = {"uses": "synthetic.items", "with": {"n": 10}}
    noop = {"uses": "synthetic.noop"}
    bench = mlbench.Benchmark(
        name="whole",
        stop={"queries": 40},
        pipelines={
            "graph": {
                "data": items,
                "load": {"poisson": {"rate": 400}},
                "stages": {
                    "fork": {**noop, "to": ["a", "b"]},
                    "a": {**noop, "to": "both"},
                    "b": {**noop, "to": "both"},
                    "both": {**noop, "join": ["a", "b"], "to": "choose"},
                    "choose": {
                        "uses": "synthetic.route",
                        "with": {"cycle": ["x", "y"]},
                        "to": {"x": "end", "y": "flaky"},
                    },
                    "flaky": {"uses": "synthetic.fail", "with": {"every": 4}, "to": "end"},
                    "end": noop,
                },
            },
            "closed": {"data": items, "stages": {"only": noop}},
        },
    )
    return mlbench.start(bench, out=tmp_path_factory.mktemp("runs")).wait(60).path


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_damaged_run_opens_or_says_what_is_wrong(
    chunk: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    before = _peak_bytes()
    for number in range(chunk * RUNS // CHUNKS, (chunk + 1) * RUNS // CHUNKS):
        run = tmp_path / "run"
        shutil.copytree(whole, run)
        random = Random(number)
        done = [mutate_run(run, outside, random) for _ in range(random.randint(1, 2))]
        said = _read_all(run, f"seed {number}: {done}")
        assert SECRET.decode() not in said, f"seed {number}: {done}"
        shutil.rmtree(run)
    assert not (tmp_path / "executed").exists()
    assert _peak_bytes() - before < MORE_MEMORY_BYTES


def _read_all(path: Path, label: str) -> str:
    """Everything that can be read of a run, as text; any error but mlbench's own fails."""
    parts: list[object] = []
    try:
        run = mlbench.open_run(path)
    except MlbenchError as error:
        return str(error)
    for name in ("status", "manifest", "summary", "queries", "spans", "events", "outputs", "tail"):
        try:
            value = getattr(run, name)
            parts.append(value() if callable(value) else value)
        except MlbenchError as error:
            parts.append(str(error))
        except Exception as error:
            raise AssertionError(f"{label}: {name}: {type(error).__name__}: {error}") from error
    json.dumps(parts[2], default=str)
    return str(parts)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
