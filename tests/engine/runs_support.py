"""Whole runs on real processes: short specs, waiting with a deadline, and what is left after."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from mlbench.launch import launch, new_directory
from mlbench.run import Run
from mlbench.spawn import MARKER
from mlbench.spec import Benchmark, Window

DEADLINE_S = 30.0
"""Nothing here takes as long; a wait that does is a hang, and the test fails."""

ITEMS: Mapping[str, Any] = {"uses": "synthetic.items", "with": {"n": 10}}
NOOP: Mapping[str, Any] = {"uses": "synthetic.noop"}


def sleep(seconds: float, **keys: Any) -> dict[str, Any]:
    """A stage that waits."""
    return {"uses": "synthetic.sleep", "with": {"seconds": seconds}, **keys}


def using(name: str, options: Mapping[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A stage by its name, with its options and its edges."""
    return {"uses": name, "with": dict(options or {}), **keys}


def pipeline(*stages: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """A chain of stages called ``s0``, ``s1``, ...; one that does nothing if none is given."""
    chain = stages or (NOOP,)
    edges = ({"to": f"s{index + 1}"} for index in range(len(chain) - 1))
    linked = {f"s{index}": dict(stage) for index, stage in enumerate(chain)}
    for name, edge in zip(linked, edges, strict=False):
        linked[name] |= edge
    return {"data": ITEMS, "stages": linked, **keys}


def bench(pipelines: Mapping[str, Any], **keys: Any) -> Benchmark:
    """A benchmark of these pipelines; 0.3 s long and without samples unless it says otherwise."""
    limits = {"lateness_p99_ms": 2000}  # other tests keep the machine busy
    rules = {"name": "test", "stop": {"seconds": 0.3}, "limits": limits, "telemetry": "off", **keys}
    return Benchmark.model_validate({**rules, "pipelines": dict(pipelines)})


def begin(
    what: Benchmark,
    out: Path,
    *,
    only: Iterable[str] | None = None,
    block: int = 0,
    window: Window | None = None,
) -> Run:
    """Start a run, windowed or not, and return at once."""
    directory = new_directory(out, what.name)
    return Run(directory, launch(what, directory, only=only, block=block, window=window))


@contextmanager
def going(what: Benchmark, out: Path, **keys: Any) -> Iterator[Run]:
    """A run that is going; at the end of the block it has ended, and left no process."""
    run = begin(what, out, **keys)
    try:
        yield run
        run.wait(DEADLINE_S)
        assert_nothing_is_left(run)
    finally:
        _end(run)


def ended(what: Benchmark, out: Path, **keys: Any) -> Run:
    """The run after it has ended by itself; no process of it is left."""
    with going(what, out, **keys) as run:
        pass
    return run


def _end(run: Run) -> None:
    """After a failed test: leave nothing behind that would disturb the next one."""
    for pid in processes_of(run):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
    run._process.wait()  # type: ignore[union-attr]  # it was started here


# -- processes ---------------------------------------------------------------------------


def processes_of(run: Run) -> list[int]:
    """The living processes that carry the marker of the run."""
    wanted = f"{MARKER}={run.request.marker}".encode()
    return [pid for pid in _everyone() if wanted in _environment(pid)]


def _everyone() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def process_of(run: Run, name: str) -> int:
    """The process of the run that calls itself ``mlbench:NAME``, once only one does.

    A child that was forked a moment ago still has its parent's title.
    """
    (found,) = eventually(
        lambda: pids if len(pids := called(run, name)) == 1 else [], f"a process called {name}"
    )
    return int(found)


def called(run: Run, name: str) -> list[int]:
    """The processes that call themselves so at this moment; none where they have ended."""
    title = f"mlbench:{name}"[:15]
    return [pid for pid in processes_of(run) if _status(pid)["Name"] == title]


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {"Name": ""}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def assert_nothing_is_left(run: Run) -> None:
    """Wait for what is being killed at this moment; nothing else may live."""
    end_s = time.monotonic() + DEADLINE_S
    while found := processes_of(run):
        assert wait_for_end(found[0], end_s - time.monotonic()), f"still there: {_status(found[0])}"


def wait_for_end(pid: int, seconds: float = DEADLINE_S) -> bool:
    """Whether a process ends in this time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    finally:
        os.close(descriptor)


# -- waiting and reading -----------------------------------------------------------------


def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """The first true value of a condition; fails where there is none before the deadline."""
    end_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end_s, f"it never came: {what or condition}"
        time.sleep(0.01)
    return value


def wait_for_rows(run: Run, stream: str, rows: int = 1) -> None:
    """Wait until a stream of a live run has that many rows on disk."""

    def written() -> bool:
        batches = run.tail()[0].get(stream, [])
        return bool(sum(batch.num_rows for batch in batches) >= rows)

    eventually(written, f"{rows} rows of {stream}")


def of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one pipeline."""
    found: pd.DataFrame = frame[frame["pipeline"] == name]
    return found


def outcomes(run: Run, name: str) -> dict[str, int]:
    """How many queries of a pipeline ended how; those that did not occur are left out."""
    counts = of(run.queries(), name)["outcome"].value_counts()
    return {str(outcome): int(count) for outcome, count in counts.items() if count}


def offsets(run: Run, name: str) -> list[int]:
    """The due times of a pipeline's queries, in ns after the barrier."""
    return [int(due) - run.manifest["barrier_ns"] for due in of(run.queries(), name)["due"]]


def items(run: Run, name: str) -> list[int]:
    """The items of a pipeline's queries, in order."""
    return [int(item) for item in of(run.queries(), name)["item"]]
