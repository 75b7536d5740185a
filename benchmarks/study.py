"""A study of ten runs with a million queries each: what it takes to look at all of it.

The runs are made here, as an engine would leave them: one server, Poisson arrivals, gamma
service, two spans a query, five blocks of an A/A study whose second runs are 5 % slower.
The summary of the study is made in a fresh process each time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import MB, own_peak_bytes
from benchmarks.row import Row, quantity
from mlbench import Benchmark, open_study
from mlbench.records import COMPLETIONS, DISPATCH, NULL, SPANS, Phase, Table
from mlbench.spec import Request, Window
from mlbench.store.kind import STUDY
from mlbench.store.layout import MANIFEST, REQUEST, write_json
from mlbench.store.writer import StreamWriter
from mlbench.study.layout import FIRST, SECOND, RunEntry, StudyManifest, Treatment
from mlbench.study.layout import run_directory as place_of

__all__ = ["rows"]

QUERIES = 1_000_000
BLOCKS = 5
GAP_NS, SERVICE_NS = 30_000, 20_000
SLOWER = {FIRST: 1.0, SECOND: 1.05}
BATCH = 65_536
REPEATS = 3
LIMIT_S, LIMIT_BYTES = 10, 4000 * MB

Integers = NDArray[np.int64]


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write_study(path)
        found = [_child(path) for _ in range(REPEATS)]
    what = f"summary of a study of {2 * BLOCKS} runs of {QUERIES:,} queries"
    seconds = [each["seconds"] for each in found]
    peaks = [each["peak_bytes"] for each in found]
    yield Row(
        "study",
        f"{what}: time",
        quantity(seconds, "s"),
        bar=f"≤ {LIMIT_S} s",
        met=sorted(seconds)[REPEATS // 2] <= LIMIT_S,
    )
    yield Row(
        "study",
        f"{what}: peak memory",
        quantity(peaks, "MB", 1 / MB),
        bar=f"≤ {LIMIT_BYTES / MB:,.0f} MB",
        met=max(peaks) <= LIMIT_BYTES,
    )
    estimate = found[0]["slowdown"]
    yield Row("study", f"{what}: slowdown of the median", f"{estimate:.4f}")


def _child(path: Path) -> dict[str, Any]:  # Any: JSON
    command = [sys.executable, "-m", "benchmarks.study", str(path)]
    told = subprocess.run(command, check=True, capture_output=True).stdout
    found: dict[str, Any] = json.loads(told)
    return found


def main() -> int:
    """Summarise the study in a directory once, and print what it took."""
    import mlbench.study.block
    import mlbench.study.document  # noqa: F401  (loading the libraries is not what is measured)

    begin_s = perf_counter()
    found = open_study(sys.argv[1]).summary()
    seconds = perf_counter() - begin_s
    if found["verdict"] != "VALID":
        raise RuntimeError(found["reasons"])
    slowdown = found["pipelines"]["only"]["slowdown"]["latency_p50"]["estimate"]
    told = {"seconds": seconds, "peak_bytes": own_peak_bytes(), "slowdown": slowdown}
    print(json.dumps(told))
    return 0


# -- making it ---------------------------------------------------------------------------


def write_study(path: Path) -> None:
    """Write the study into an empty directory."""
    seconds = QUERIES * GAP_NS / 1e9
    window = Window(settle=seconds / 20, seconds=seconds / 20 * 18)
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "load": {"poisson": {"rate": 1e9 / GAP_NS}},
        "stages": {"step": {"uses": "synthetic.noop"}},
    }
    bench = Benchmark.model_validate({"name": "large", "pipelines": {"only": pipeline}})
    entries = []
    for block in range(BLOCKS):
        for treatment, factor in SLOWER.items():
            place = place_of(block, treatment, 0)
            request = Request(bench=bench, only=("only",), block=block, window=window)
            _write_run(path / place, request, factor)
            entries.append(
                RunEntry(block=block, treatment=treatment, attempt=0, directory=place,
                         verdict="VALID", status="done")
            )  # fmt: skip
    roles = {FIRST: "isolated", SECOND: "collocated"}
    treatments = [Treatment(name=n, pipelines=("only",), role=r) for n, r in roles.items()]  # type: ignore[arg-type]  # a literal
    manifest = StudyManifest(
        spec=bench, seed=0, design={"kind": "aa"}, repeats=BLOCKS, window=window,
        treatments=tuple(treatments), runs=tuple(entries), status="done",
    )  # fmt: skip  # type: ignore[arg-type]  # pydantic makes the design of it
    write_json(path / STUDY, manifest.complete())


def _write_run(path: Path, request: Request, factor: float) -> None:
    folder = path / "pipelines/only"
    folder.mkdir(parents=True)
    write_json(path / REQUEST, request.complete())
    due, start, end = _served(request.block, factor)
    write_json(path / MANIFEST, _manifest(request, int(due[-1]) + 1))
    query, none = np.arange(QUERIES), np.full(QUERIES, NULL)
    nought, first = np.zeros_like(query), np.ones_like(query)
    _write(path / "dispatch.arrow", DISPATCH, [query, nought, query, due, due])
    phase = np.full(QUERIES, Phase.LOAD)
    stamps = [due, due, start, start, end]
    completion = [query, query, *stamps, phase, nought, nought]
    _write(folder / "completions.arrow", COMPLETIONS, completion)
    tail = [none, nought, none]
    fetch = [2 * query, query, nought, first, none, first, nought, none, none, due, start, start]
    step = [2 * query + 1, query, nought, first, 2 * query, nought, nought, none, none]
    spans = [np.stack([a, b], axis=1).ravel() for a, b in
             zip([*fetch, *tail], [*step, start, start, end, *tail], strict=True)]  # fmt: skip
    _write(folder / "spans.arrow", SPANS, spans)


def _served(block: int, factor: float) -> tuple[Integers, Integers, Integers]:
    """Due times, starts and ends of one server, first come first served."""
    random = np.random.default_rng(block)
    due = np.cumsum(random.exponential(GAP_NS, QUERIES)).astype(np.int64)
    service = (factor * SERVICE_NS * random.gamma(4, 0.25, QUERIES)).astype(np.int64)
    work = np.cumsum(service)
    end = work + np.maximum.accumulate(due - (work - service))
    return due, end - service, end


def _write(path: Path, table: Table, columns: Sequence[Integers]) -> None:
    rows = np.stack(list(columns), axis=1)
    writer = StreamWriter(path, table)
    for begin in range(0, len(rows), BATCH):
        writer.write(rows[begin : begin + BATCH])
    writer.close()


def _manifest(request: Request, end_ns: int) -> dict[str, Any]:  # Any: JSON
    assert request.window is not None
    begin, end = request.window.bounds_ns(0)
    instant = {"monotonic_ns": 0, "realtime_ns": 0}
    load = {"kind": "open", "begin_ns": 0, "end_ns": end_ns}
    pipeline = {"status": "done", "reason": None, "folder": "only", "stages": ["step", "data"]}
    names: dict[str, Any] = {"routes": [], "events": [], "placement": {}, "timed_out": []}
    return {
        "format": 1, "status": "done", "reasons": [], "phases": [], "harness": {},
        "engine": {"pid": 1, "start_ticks": 0, "boot_id": "none"},
        "clock": {"begin": instant, "end": instant},
        "barrier_ns": 0, "window": {"begin_ns": begin, "end_ns": end},
        "pipelines": {"only": {**pipeline, **names, "load": load, "stalled_ns": 0}},
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
