"""Conducts studies: block after block, each run in fresh processes, in random order.

A study is a directory that says at every moment what is made and what is not, so that one
that was cut off, however, goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from mlbench.collocation.attempt import Attempt, abandoned
from mlbench.collocation.capacity import capacity_of, saturated, with_rates
from mlbench.collocation.design import CAPACITY
from mlbench.collocation.dial import turned
from mlbench.collocation.ledger import PLANNED, Ledger
from mlbench.collocation.watcher import Step, Watcher
from mlbench.errors import EngineError, NotARunError
from mlbench.seed import derive
from mlbench.spec import Benchmark
from mlbench.study.layout import CapacityEntry, RunEntry, Treatment

__all__ = ["Conductor", "find_again", "settle"]

OVERHEAD_S = 3.0
"""What a run takes besides its window and its cooldown, before one has been seen."""


class Conductor:
    """Makes what one study, or the studies of several placements, have planned.

    The blocks of several studies are made in turn, in an order of their own in each
    round: what changes on the machine meanwhile changes for all of them.

    Parameters
    ----------
    ledgers
        By variant of the placements.
    watcher
        Who looks on.
    """

    def __init__(self, ledgers: Mapping[str, Ledger], watcher: Watcher) -> None:
        self._ledgers = ledgers
        self._watcher = watcher
        self._took_s: list[float] = []
        self._gave_up = ""

    def conduct(self) -> None:
        """Make every run that is planned, until none is or the end is asked for.

        It ends early, with the reason in the study, where a capacity is not found: the
        loads are shares of it.

        Raises
        ------
        MlbenchError
            If a run cannot be made at all; what was made before stays.
        """
        try:
            while (variant := self._next()) is not None and not self._ending:
                self._make(variant, self._ledgers[variant])
        except BaseException as error:  # the caller's interrupt too: say that nobody goes on
            self._close(str(error) or type(error).__name__ if isinstance(error, Exception) else "")
            raise
        self._close(self._gave_up)

    @property
    def _ending(self) -> bool:
        return bool(self._watcher.interrupts() or self._gave_up)

    def _next(self) -> str | None:
        """The variant whose block comes first; null if nothing is left."""
        first = {name: entry for name, each in self._ledgers.items() if (entry := each.next())}
        return min(first, key=lambda name: self._turn(name, first[name]), default=None)

    def _turn(self, variant: str, entry: RunEntry) -> tuple[bool, int, int]:
        """What is sorted by: capacities before all, then blocks, variants at random in each."""
        ledger = self._ledgers[variant]
        chance = derive(ledger.manifest.seed, "turn", entry.block, variant)
        return ledger.treatment(entry).role != CAPACITY, entry.block, chance

    def _make(self, variant: str, ledger: Ledger) -> None:
        entry = ledger.next()
        assert entry is not None
        step, begin_s = self._step(variant, ledger, entry), time.monotonic()
        self._watcher.began(step)
        made = self._attempt(ledger, entry, step)
        if made.status == PLANNED:  # the end was asked for before it began
            ledger.note(made)
            return
        self._took_s.append(time.monotonic() - begin_s)
        made = self._note(ledger, made)
        if made.verdict != "VALID":
            self._judge(ledger, made)
        self._watcher.ended(self._step(variant, ledger, made))

    def _attempt(self, ledger: Ledger, entry: RunEntry, step: Step) -> RunEntry:
        treatment = ledger.treatment(entry)
        attempt = Attempt(
            bench=_bench_of(ledger, treatment),
            names=treatment.pipelines,
            directory=ledger.path / entry.directory,
            window=ledger.manifest.window,
        )
        ledger.note(entry.model_copy(update={"status": "going"}))
        return attempt.make(step, self._watcher)

    def _note(self, ledger: Ledger, made: RunEntry) -> RunEntry:
        """Write down how a run came out, and the capacity that it found.

        That goes to all variants: they are compared under the same load.
        """
        made, found = _found(ledger, made)
        ledger.note(made, found)
        for each in self._all:
            if found and each is not ledger:
                each.found(found)
        return made

    def _judge(self, ledger: Ledger, made: RunEntry) -> None:
        """Plan an INVALID run again if the study owes it; without a capacity it ends."""
        treatment = ledger.treatment(made)
        if ledger.owes(made.block, made.treatment):
            ledger.again(made.block, made.treatment)
        elif treatment.role == CAPACITY:
            self._gave_up = f"The capacity of {treatment.pipelines[0]} was not found."

    # -- for who looks on ----------------------------------------------------------------

    def _step(self, variant: str, ledger: Ledger, entry: RunEntry) -> Step:
        made = sum(run.status != PLANNED for each in self._all for run in each.manifest.runs)
        waiting = sum(each.waiting for each in self._all)
        return Step(
            entry=entry,
            role=ledger.treatment(entry).role,
            variant=variant,
            number=made + (entry.status == PLANNED),
            runs=made + waiting,
            blocks=ledger.manifest.repeats,
            left_s=waiting * self._run_s(ledger),
        )

    @property
    def _all(self) -> Sequence[Ledger]:
        return tuple(self._ledgers.values())

    def _run_s(self, ledger: Ledger) -> float:
        """How long a run takes with all that stands around it."""
        if self._took_s:
            return sum(self._took_s) / len(self._took_s)
        window = ledger.manifest.window
        return OVERHEAD_S + window.settle + window.seconds + ledger.bench.study.cooldown

    def _close(self, failure: str) -> None:
        """Say in each study that nobody makes it any more, and why."""
        for ledger in self._all:
            settle(ledger)
            if failure:
                ledger.close("failed", failure)
            else:
                ledger.close("stopped" if ledger.next() else "done")


def settle(ledger: Ledger) -> None:
    """Close what was cut off, and plan it again."""
    for entry in ledger.manifest.runs:
        if entry.status == "going":
            ledger.note(abandoned(entry, ledger.path / entry.directory))
            ledger.again(entry.block, entry.treatment)


def find_again(ledgers: Sequence[Ledger]) -> None:
    """Write down, in all studies, capacities that a VALID run or another study has found.

    Raises
    ------
    NotARunError
        If one that a study stands on is measured by none of them.
    """
    known = {name: entry for each in ledgers for name, entry in each.manifest.capacity.items()}
    for ledger in ledgers:
        for run in ledger.manifest.runs:
            treatment = ledger.treatment(run)
            lost = treatment.role == CAPACITY and treatment.pipelines[0] not in known
            if lost and run.verdict == "VALID":
                made, found = _found(ledger, run)
                ledger.note(made, found)
                known.update(found)
    for ledger in ledgers:
        ledger.found({name: known[name] for name in ledger.unknown() if name in known})
        _refuse_unmeasured(ledger, ledgers)


def _refuse_unmeasured(ledger: Ledger, ledgers: Sequence[Ledger]) -> None:
    treatments = [each for book in ledgers for each in book.manifest.treatments]
    measured = {each.pipelines[0] for each in treatments if each.role == CAPACITY}
    if lost := [name for name in ledger.unknown() if name not in measured]:
        raise NotARunError(
            f"{ledger.path} needs the capacity of {', '.join(lost)}, which another placement "
            f"measures: resume them together, `mlbench collocate --resume {ledger.path.parent}`"
        )


def _found(ledger: Ledger, made: RunEntry) -> tuple[RunEntry, dict[str, CapacityEntry]]:
    """The run with the capacity that it found, by pipeline; INVALID if it found none."""
    treatment = ledger.treatment(made)
    if made.verdict != "VALID" or treatment.role != CAPACITY:
        return made, {}
    name = treatment.pipelines[0]
    try:
        return made, {name: capacity_of(ledger.path / made.directory, name)}
    except EngineError as error:
        changes = {"verdict": "INVALID", "reasons": (*made.reasons, str(error))}
        return made.model_copy(update=changes), {}


def _bench_of(ledger: Ledger, treatment: Treatment) -> Benchmark:
    """The benchmark that a treatment runs: with rates, levels, or under saturation."""
    bench = ledger.bench
    if treatment.role == CAPACITY:
        return saturated(bench, treatment.pipelines[0])
    capacities = {name: found.rate for name, found in ledger.manifest.capacity.items()}
    bench = with_rates(bench, capacities)
    return bench if treatment.dial is None else turned(bench, treatment.dial)
