"""A run, seen from outside: the same object while it goes on and ten years later."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

from mlbench.errors import EngineError, NotARunError
from mlbench.spec import Benchmark
from mlbench.store.kind import opener_of
from mlbench.store.layout import GOING, STOP
from mlbench.store.reader import Cursor, Reader

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mlbench.analysis.attribution_seen import Seen
    from mlbench.analysis.record import Record
    from mlbench.records import Table
    from mlbench.spawn import Engine
    from mlbench.store.mapped import Stored

__all__ = ["Run", "open_run", "start"]

STARTING = "starting"
MAX_LOG_BYTES = 1 << 20


class Run:
    """A run directory with its tables.

    Everything is read from the directory at each call, so a live run gives what has been
    written so far: rows come within 250 ms.

    Parameters
    ----------
    path
        The directory.

    Raises
    ------
    NotARunError
        If there is no run, or it cannot be read.

    Examples
    --------
    >>> run = open_run("tests/recorded/chain")
    >>> run.status
    'done'
    """

    def __init__(self, path: str | PathLike[str], process: Popen[bytes] | None = None) -> None:
        self.path = Path(path)
        self._reader = Reader(self.path)
        self._process = process
        self.request = self._reader.request()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, status={self.status!r})"

    @property
    def id(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    @property
    def bench(self) -> Benchmark:
        """The spec that was run."""
        return self.request.bench

    @property
    def manifest(self) -> dict[str, Any]:  # Any: JSON
        """What the engine wrote: environment, phases, placements, processes."""
        return self._reader.manifest()

    @property
    def status(self) -> str:
        """``starting``, ``setup``, ``warm-up``, ``load``, ``drain``, or how it ended.

        It ends ``done``, ``failed`` (a pipeline ended by failure), ``stopped`` (on request)
        or ``aborted`` (the engine itself is gone).
        """
        if self._process is not None:
            self._process.poll()
        status = str(self.manifest["status"])
        if status == STARTING and self._process is not None:
            return STARTING if self._process.returncode is None else "aborted"
        return status

    @property
    def is_going(self) -> bool:
        """Whether the engine is still at work."""
        return self.status in GOING | {STARTING}

    # -- control -------------------------------------------------------------------------

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait until the run has ended, and return it.

        Raises
        ------
        TimeoutError
            If it goes on after ``timeout_s`` seconds.
        EngineError
            If the engine ended before the run began; the message shows what it said.
        """
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        engine = self._engine_descriptor()
        if engine is not None:
            try:
                ready, _, _ = select.select([engine], [], [], timeout_s)
            finally:
                os.close(engine)
            if not ready:
                raise TimeoutError(f"the run goes on after {timeout_s} s: {self.path}")
        if self._process is not None:
            left_s = None if end_s is None else max(1.0, end_s - time.monotonic())
            self._process.wait(left_s)
        if not self.manifest["phases"]:
            raise EngineError(f"the engine did not start:\n{self.engine_log()[-2000:]}")
        return self

    def _engine_descriptor(self) -> int | None:
        """A descriptor that is readable when the engine has ended; null if it has."""
        pid = self._process.pid if self._process is not None else None
        if pid is None:
            manifest = self.manifest
            if manifest["status"] not in GOING | {STARTING} or not manifest["engine"]:
                return None
            pid = int(manifest["engine"]["pid"])
        try:
            return os.pidfd_open(pid)
        except ProcessLookupError:
            return None

    def stop(self) -> None:
        """Ask the run to end: its queries end where they are, its tables are complete."""
        (self.path / STOP).touch()

    def kill(self) -> None:
        """End the engine at once; what was recorded stays, the run is ``aborted``."""
        if self.is_going and (pid := self._pid()) is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _pid(self) -> int | None:
        if self._process is not None:
            return self._process.pid
        pid = self.manifest.get("engine", {}).get("pid")
        return pid if isinstance(pid, int) else None

    def engine_log(self) -> str:
        """What the engine's own processes wrote to their standard error; the last MiB of it."""
        path = self.path / "engine.log"
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MAX_LOG_BYTES))
            return file.read(MAX_LOG_BYTES).decode(errors="replace")

    # -- tables --------------------------------------------------------------------------

    def record(self, spans: bool = True) -> Record:
        """All tables in memory, for the functions of `mlbench.analysis`."""
        return self._record(self._reader.stored, spans)

    def _record(self, stored: Callable[[Table, str | None], Stored[Any]], spans: bool) -> Record:
        """The tables as a function reads them: as those of pyarrow, or as arrays alone."""
        from mlbench.analysis.record import Record
        from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, SPANS

        manifest = {**self.manifest, "status": self.status}
        folders = {name: entry["folder"] for name, entry in manifest["pipelines"].items()}

        files: list[Stored[Any]] = []

        def table(table: Table, folder: str | None = None) -> Any:  # Any: as of `stored`
            files.append(stored(table, folder))
            return files[-1].table

        def tables(each: Table) -> dict[str, Any]:
            return {name: table(each, folder) for name, folder in folders.items()}

        def release() -> None:
            for file in files:
                file.release()

        return Record(
            manifest=manifest,
            bench=self.bench,
            dispatch=table(DISPATCH),
            completions=tables(COMPLETIONS),
            spans=tables(SPANS) if spans else {},
            events=tables(EVENTS) if spans else {},
            release=release,
        )

    def queries(self) -> pd.DataFrame:
        """One row a query, warm-up left out.

        Returns
        -------
        DataFrame
            ``pipeline`` (category), ``query``, ``item`` (Int64), ``due``, ``sent``,
            ``received``, ``started``, ``done`` (Int64, ns), ``outcome`` (category),
            ``lateness_ns``, ``queueing_ns``, ``service_ns``, ``latency_ns`` (Int64; latency
            is the sum of the other three), ``measured`` (bool), ``error`` (text). Only a query
            that is done has a service time and a latency; ``done`` of another one is when it
            was given up, and null where nobody saw that.
        """
        from mlbench.analysis.frame import stacked
        from mlbench.analysis.queries import Queries, queries_of

        record = self.record()
        columns = [field.name for field in fields(Queries)]
        return stacked(record.names, lambda name: queries_of(record, name).to_arrow(), columns)

    def stages(self) -> pd.DataFrame:
        """How long the spans of each stage took, and how long these waited.

        The numbers of the summary, of the spans that belong to queries due in the window; in
        a plain run, to all but those of warm-up.

        Returns
        -------
        DataFrame
            One row a pipeline, stage and metric. ``pipeline``, ``stage`` (category),
            ``metric`` (``service_mean``, ``service_p50``, ``service_p90``, ``service_p95``,
            ``service_p99``, and the same of ``queueing``), ``value_ms`` (a quantile is the
            smallest value that its share does not exceed; a span that did not succeed counts
            as infinite in service), ``spans``, ``errors`` (how many of them did not
            succeed), ``reason`` of a null.

        Examples
        --------
        >>> run = open_run("tests/recorded/chain")
        >>> list(run.stages()["stage"].unique())
        ['first', 'then', 'data']
        """
        import pandas as pd

        from mlbench.analysis.stages import COLUMNS, stage_rows

        rows = list(stage_rows(self.record()))
        frame: pd.DataFrame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        return frame

    def spans(self) -> pd.DataFrame:
        """One row a span, those of warm-up too (their ``query`` is negative).

        Returns
        -------
        DataFrame
            ``pipeline``, ``stage``, ``outcome``, ``route`` (category), the other columns of
            `mlbench.records.SPANS` (Int64, ns), ``parents`` (lists).
        """
        from mlbench.analysis.frame import stacked
        from mlbench.records import SPANS
        from mlbench.store.decode import decoded_spans

        record = self.record()
        return stacked(
            record.names,
            lambda name: decoded_spans(record.spanned(name), record.pipeline(name)),
            SPANS.names,
        )

    def events(self) -> pd.DataFrame:
        """One row an event: ``pipeline``, ``name`` (category), ``span``, ``t`` (ns), ``value``."""
        from mlbench.analysis.frame import stacked
        from mlbench.records import EVENTS
        from mlbench.store.decode import decoded_events

        record = self.record()
        return stacked(
            record.names,
            lambda name: decoded_events(record.happened(name), record.pipeline(name)),
            EVENTS.names,
        )

    def samples(self) -> pd.DataFrame:
        """One row a sample: what the probes read, as far as it is written.

        Returns
        -------
        DataFrame
            ``start``, ``end`` (Int64, ns of the run's clock), ``metric``, ``device``,
            ``pipeline`` (category; null where a sample is of none), ``pid`` (Int64),
            ``value`` (float), ``unit``, ``kind``, ``source`` (category). ``kind`` says what
            the value is of its interval: ``level`` at its end, ``mean`` over it, or
            ``increase`` of a counter. Why a metric has no rows stands in the manifest,
            under ``metrics``, as ``null_reasons``.
        """
        from mlbench.analysis.frame import nullable_integers
        from mlbench.records import SAMPLES
        from mlbench.store.decode import decoded_samples

        table = decoded_samples(self._reader.table(SAMPLES), self.manifest)
        frame: pd.DataFrame = table.to_pandas(types_mapper=nullable_integers)
        return frame

    def energy(self) -> pd.DataFrame:
        """One row a device that shows power or counts energy, over the run's load or window.

        Returns
        -------
        DataFrame
            ``device``, ``source``, ``seconds``, ``counter_joules`` (the device's own account),
            ``integral_joules`` (of the power that it showed, trapezoidal rule),
            ``disagreement`` (the second over the first, less one), ``idle_watts`` (before the
            load, with all pipelines ready), ``idle_joules`` (that over the same time) and
            ``reasons`` (why a value is null, by its name).
        """
        import pandas as pd

        from mlbench.analysis.arrays import column
        from mlbench.analysis.energy import Energy, energies, loaded_period
        from mlbench.records import SAMPLES

        manifest, samples = self.manifest, self._reader.table(SAMPLES)
        latest_ns = int(column(samples, "end").max(initial=0))
        period = loaded_period(manifest, latest_ns)
        found = [] if period is None else energies(manifest, samples, period)
        columns = [field.name for field in fields(Energy)]
        rows = [{name: getattr(each, name) for name in columns} for each in found]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        return frame

    def power_limits(self) -> pd.DataFrame:
        """One row a stage of each pipeline on a GPU: what the GPU's power sensor says of it.

        Returns
        -------
        DataFrame
            ``pipeline``, ``stage``, ``device``, ``sensor_ms`` (its period), ``measurable``
            (whether the stage is long enough for the sensor), ``reason`` (why it is not) and
            ``warning`` (that it is in step with the sensor, which may see a part of it only).
        """
        import pandas as pd

        from mlbench.analysis.power_limits import COLUMNS, limits_of_run

        frame: pd.DataFrame = pd.DataFrame(limits_of_run(self.record()), columns=COLUMNS)
        return frame

    def attribution(self, isolated: Mapping[str, Run] | None = None) -> pd.DataFrame:
        """What each pipeline and stage used, by every model, over the run's load or window.

        A split of what several pipelines used of one device is a model, so there are
        several, described in `mlbench.analysis.attribution`; each adds up to what was
        measured. Where they disagree, ``spread`` says by how much. It is no error bound: all
        of them may be wrong alike.

        Parameters
        ----------
        isolated
            By pipeline, a run of it alone, such as ``study.run(0, "alone-x")``: the model
            ``calibrated`` needs one of each.

        Returns
        -------
        DataFrame
            One row a resource, device, part and model. ``resource`` (``cpu_s``, ``sm_s``,
            ``memory_byte_s``, ``energy_j``), ``device`` (null for what is of the machine),
            ``part`` (``idle``, ``pipeline``, ``stage``, ``rest``, ``others``, or ``total``
            where there is nothing to split), ``pipeline``, ``stage`` (null for the whole of a
            pipeline), ``model``, ``value``, ``share`` (of what was measured), ``spread``
            (largest value of the models less the smallest), ``per_query`` and
            ``per_query_with_idle`` (over the queries done), ``reason`` (of a null value).

        Examples
        --------
        >>> run = open_run("tests/recorded/chain")
        >>> sorted(run.attribution()["resource"].unique())
        ['cpu_s', 'energy_j', 'memory_byte_s']
        """
        import pandas as pd

        from mlbench.analysis.attribution import Attributed, attribution

        alone = {name: run._seen() for name, run in (isolated or {}).items()}
        rows = attribution(self._seen(), alone)
        columns = [field.name for field in fields(Attributed)]
        frame: pd.DataFrame = pd.DataFrame([vars(row) for row in rows], columns=columns)
        numbers = ("value", "share", "spread", "per_query", "per_query_with_idle")
        typed: pd.DataFrame = frame.astype(dict.fromkeys(numbers, "float64"))
        devices = self.manifest.get("devices") or ()
        typed.attrs["sources"] = sorted({str(device.get("source")) for device in devices})
        return typed

    def _seen(self) -> Seen:
        """Its tables with its samples, for `attribution`."""
        from mlbench.analysis.attribution_seen import Seen
        from mlbench.records import SAMPLES

        return Seen(self.record(), self._reader.table(SAMPLES))

    def outputs(self) -> pd.DataFrame:
        """One row an output: ``pipeline``, ``query``, ``sink``, ``branch``, its ``output``."""
        import pandas as pd

        rows = [
            {"pipeline": name, **row}
            for name, entry in self.manifest["pipelines"].items()
            for row in self._reader.outputs(entry["folder"])
        ]
        columns = ["pipeline", "query", "sink", "branch", "output"]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        frame["output"] = pd.Series([row.get("output") for row in rows], dtype=object)
        return frame

    def summary(self) -> dict[str, Any]:  # Any: JSON
        """The run in plain data: what ``mlbench run --json`` prints."""
        from mlbench.analysis.summary import summary

        record = self._record(self._reader.columns, spans=True)
        return {**summary(record), "run": self.id}

    def tail(self, cursor: Cursor | None = None) -> tuple[dict[str, list[pa.RecordBatch]], Cursor]:
        """What was written since ``cursor``, and the cursor after it; from the start without one.

        Returns
        -------
        batches
            Arrow record batches by stream: ``dispatch``, ``samples``, ``NAME/spans``, ...
        cursor
            Plain data for the next call, in this process or another.
        """
        return self._reader.tail(cursor or {})


def open_run(path: str | PathLike[str]) -> Run:
    """The run in a directory, live or ended.

    Raises
    ------
    NotARunError
        If there is none, or it cannot be read; of a study or a sweep it says what opens it.
    """
    if (opener := opener_of(Path(path))) is not None:
        raise NotARunError(f"{path} is {opener}")
    return Run(path)


def start(
    bench: Benchmark,
    out: str | PathLike[str] = "runs",
    *,
    only: Iterable[str] | None = None,
    engine: Engine | None = None,
) -> Run:
    """Start a benchmark in subprocesses and return at once.

    Parameters
    ----------
    out
        Directory that gets the run's directory.
    only
        Names of the pipelines that run; default all. They have the placement and the
        arrivals that they have among the others.
    engine
        One that `mlbench.spawn.Engine` started before, while there was other work to do;
        default a new one.

    Raises
    ------
    SpecError
        If the spec cannot run here, with every problem.
    EngineError
        If this system cannot measure, or ``out`` cannot be written.
    """
    from mlbench.launch import launch, new_directory
    from mlbench.spec import expect_benchmark

    expect_benchmark(bench)
    directory = new_directory(out, bench.name)
    try:
        process = launch(bench, directory, only=only, engine=engine)
    except Exception:  # nothing was started: leave no empty directory behind
        for child in directory.iterdir():
            child.unlink()
        directory.rmdir()
        raise
    return Run(directory, process)
