"""One attempt at a run: started, followed to its end, judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlbench.analysis.record import ENDED
from mlbench.collocation.foreign import LOOK_S, Witness, look
from mlbench.collocation.watcher import Step, Watcher
from mlbench.errors import EngineError, NotARunError, OutputError
from mlbench.launch import launch
from mlbench.machine.contention import Contention
from mlbench.placements.cpus import divide_here
from mlbench.run import Run, open_run
from mlbench.spec import Benchmark, Window
from mlbench.study.layout import RunEntry

__all__ = ["INTERRUPTED", "Attempt", "abandoned"]

TICK_S = 0.2
CLOSE_S = 60.0
"""How long a run that is asked to end may take for it, before it is killed."""

ENDED_FROM_OUTSIDE = frozenset({"aborted", "stopped"})
"""Somebody killed the engine, or asked the run to end, and it was not the study."""

INTERRUPTED = "The study was interrupted during this run."


@dataclass(frozen=True)
class Attempt:
    """What is needed to make one run of a study.

    Parameters
    ----------
    bench
        The spec with its rates and levels.
    names
        The pipelines that run.
    directory
        Where the run goes; it is made here.
    """

    bench: Benchmark
    names: tuple[str, ...]
    directory: Path
    window: Window

    def make(self, step: Step, watcher: Watcher) -> RunEntry:
        """Pause, start the run, follow it, and return its entry with the verdict."""
        before = self._pause(watcher)
        if watcher.interrupts():
            return step.entry
        witness = Witness(self._devices(), self._cpus())
        run = self._start(step.entry.block)
        failure = _follow(run, step, watcher)
        foreign = witness.since(before, _pids(run))
        entry = step.entry.model_copy(update={"foreign": foreign.to_dict()})
        if watcher.interrupts():
            return _closed(entry, run, [], [INTERRUPTED])
        own = [failure] if failure else list(_judged(run))
        return _closed(entry, run, own, list(foreign.reasons(self.bench.study)))

    def _pause(self, watcher: Watcher) -> Contention:
        """The cooldown, and a look at what others do; the run waits for them to do less."""
        study = self.bench.study
        watcher.pause(max(0.0, study.cooldown - LOOK_S))
        end_s, seen = time.monotonic() + study.patience, look(watcher.pause, self._cpus())
        while (seen.busy_share or 0) > study.foreign_share and time.monotonic() < end_s:
            if watcher.interrupts():
                break
            seen = look(watcher.pause, self._cpus())
        return seen

    def _devices(self) -> list[str]:
        places = divide_here(self.bench)
        return [places[name].device for name in self.names]

    def _cpus(self) -> tuple[int, ...]:
        """The processors that the pipelines of the run have."""
        places = divide_here(self.bench)
        return tuple(sorted({cpu for name in self.names for cpu in places[name].cpus}))

    def _start(self, block: int) -> Run:
        try:
            self.directory.mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"cannot make {self.directory}: {error.strerror}") from None
        process = launch(
            self.bench, self.directory, only=self.names, block=block, window=self.window
        )
        return Run(self.directory, process)


def _follow(run: Run, step: Step, watcher: Watcher) -> str:
    """Wait until the run has ended; returns why it never began, empty if it did."""
    asked = 0
    try:
        while (failure := _ended(run)) is None:
            watcher.going(step, run)
            if watcher.interrupts() > asked:
                asked = watcher.interrupts()
                run.stop() if asked == 1 else run.kill()
    except BaseException:  # the caller's interrupt, or a watcher's mistake: leave no engine behind
        _end(run)
        raise
    return failure


def _ended(run: Run) -> str | None:
    """Null while the run goes on, then why it did not begin: an empty text if it did."""
    try:
        run.wait(TICK_S)
    except TimeoutError:
        return None
    except EngineError as error:
        return str(error)
    return ""


def _end(run: Run) -> None:
    """Have a run close its tables; kill it if it does not, or if one is interrupted again."""
    run.stop()
    try:
        run.wait(CLOSE_S)
    except (TimeoutError, KeyboardInterrupt):
        run.kill()
        run.wait(CLOSE_S)
    except EngineError:
        return


def _judged(run: Run) -> Iterator[str]:
    """Why the run by itself is INVALID, or cannot stand in a comparison."""
    from mlbench.analysis.queries import queries_of
    from mlbench.study.fitting import reasons_of

    record = run.record(spans=False)
    queries = {name: queries_of(record, name) for name in record.names}
    yield from reasons_of(record, queries)


def _pids(run: Run) -> frozenset[int]:
    """The processes of a run, as far as it says."""
    manifest = run.manifest
    entries = [manifest.get("engine") or {}, *(manifest.get("pipelines") or {}).values()]
    return frozenset(pid for each in entries if isinstance(pid := each.get("pid"), int))


def _closed(entry: RunEntry, run: Run, own: list[str], foreign: list[str]) -> RunEntry:
    """The entry with its verdict.

    Parameters
    ----------
    own
        What the run itself gives for a reason; that it was ended from outside is none of
        its own, unless a pipeline had failed.
    foreign
        What others did.
    """
    status, reasons = run.status, (*own, *foreign)
    outside = not own or (status in ENDED_FROM_OUTSIDE and not _any_failed(run))
    changes = {
        "status": status,
        "verdict": "INVALID" if reasons else "VALID",
        "reasons": reasons,
        "disturbed": bool(reasons) and outside,
    }
    return entry.model_copy(update=changes)


def _any_failed(run: Run) -> bool:
    pipelines = run.manifest.get("pipelines") or {}
    return any(each.get("status") == "failed" for each in pipelines.values())


def abandoned(entry: RunEntry, directory: Path) -> RunEntry:
    """The entry of a run that nobody has judged, because who made it is gone.

    Its engine may still go on: it is ended, or it would disturb what comes next.
    """
    status = "aborted"
    try:
        run = open_run(directory)
        if run.status not in ENDED:
            _end(run)
        status = run.status if run.status in ENDED else status
    except NotARunError:  # there was no time to write down what was to be run
        pass
    changes = {"status": status, "verdict": "INVALID", "reasons": (INTERRUPTED,)}
    return entry.model_copy(update={**changes, "disturbed": True})
