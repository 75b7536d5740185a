"""LoadGen's Server scenario in a process of its own, with when each query was due and sent.

``python -m benchmarks.loadgen RATE SECONDS SPIN_SECONDS`` prints one JSON document. A system
under test that completes each query at once, or, with ``SPIN_SECONDS``, in a thread that
computes in Python so long for each query: what a pipeline in Python is to LoadGen, which
must take the interpreter lock to hand over a query.

LoadGen's own trace has both stamps of every query: the event ``Sample`` begins (``ph: b``)
at the scheduled time, ``ts`` in µs with three decimals, and ``issue_start_ns`` is the time
from there to the end of the wait, just before the call into the system under test
(``loadgen.cc``, ``ResponseDelegateDetailed::SampleComplete``; ``issue_query_controller.cc``,
``QueryScheduler<Server>::Wait``). It corresponds to ``sent``, which is read just before the
query is written to the pipe. The trace is written by LoadGen's logging thread, which
gathers the same records without it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import mlperf_loadgen as loadgen  # type: ignore[import-not-found]  # an extension without stubs

__all__ = ["main"]

Queries = Sequence[Any]
"""LoadGen's query samples; Any: an extension without stubs."""


def main() -> int:
    """Run once and print due and sent times, and the share of a core that the issuer used."""
    rate, seconds, spin_s = (float(argument) for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        share = _issue(rate, seconds, _spinning(spin_s) if spin_s else _complete, folder)
        due, sent = _stamps(Path(folder, "mlperf_log_trace.json"))
    print(json.dumps({"due": due, "sent": sent, "cpu_share": share}))
    return 0


def _complete(queries: Queries) -> None:
    loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(q.id, 0, 0) for q in queries])


def _spinning(seconds: float) -> Callable[[Queries], None]:
    from mlbench.stages.synthetic.spin import spin

    waiting: SimpleQueue[Queries] = SimpleQueue()

    def work() -> None:
        while True:
            queries = waiting.get()
            spin(None, seconds=seconds)
            _complete(queries)

    threading.Thread(target=work, daemon=True).start()
    return waiting.put


def _issue(rate: float, seconds: float, issue: Callable[[Queries], None], folder: str) -> float:
    """Run the test; returns the CPU time of the issuing thread over the wall time."""
    settings = loadgen.TestSettings()
    settings.scenario = loadgen.TestScenario.Server
    settings.mode = loadgen.TestMode.PerformanceOnly
    settings.server_target_qps = rate
    settings.server_target_latency_ns = 10**10
    settings.min_query_count = 1
    settings.min_duration_ms = round(seconds * 1000)
    log = loadgen.LogSettings()
    log.enable_trace = True
    log.log_output.outdir = folder
    log.log_output.copy_summary_to_stdout = False
    system = loadgen.ConstructSUT(issue, lambda: None)
    library = loadgen.ConstructQSL(1024, 1024, lambda _: None, lambda _: None)
    begin_ns, begin_cpu_ns = time.monotonic_ns(), time.thread_time_ns()
    loadgen.StartTestWithLogSettings(system, library, settings, log, "")
    cpu_ns = time.thread_time_ns() - begin_cpu_ns
    share = cpu_ns / (time.monotonic_ns() - begin_ns)
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(system)
    return share


def _stamps(trace: Path) -> tuple[list[int], list[int]]:
    # Event by event, because the file as a whole is no JSON: some keys have two quotes.
    with trace.open() as lines:
        events = [json.loads(line.rstrip(",\n")) for line in lines if '"Sample"' in line]
    samples = [each for each in events if each["ph"] == "b"]
    due = [round(each["ts"] * 1000) for each in samples]
    late = [each["args"]["issue_start_ns"] for each in samples]
    return due, [instant + delay for instant, delay in zip(due, late, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
