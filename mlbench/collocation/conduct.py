"""Conducts studies: block after block, each run in fresh processes, in random order.

A study is a directory that says at every moment what is made and what is not, so that one
that was cut off, however, goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlbench.collocation.attempt import Attempt, abandoned
from mlbench.collocation.barren import barren
from mlbench.collocation.capacity import capacity_of, saturated, with_rates
from mlbench.collocation.design import CAPACITY
from mlbench.collocation.dial import turned
from mlbench.collocation.ledger import PLANNED, Ledger
from mlbench.collocation.pace import Pace
from mlbench.collocation.watcher import Step, Watcher
from mlbench.errors import EngineError, NotARunError
from mlbench.seed import derive
from mlbench.spec import Benchmark
from mlbench.study.layout import CapacityEntry, RunEntry, Treatment
from mlbench.study.reach import Reach, reach_of

__all__ = ["Conductor", "find_again", "settle"]


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
        self._pace = Pace(next(iter(ledgers.values())).bench.study)
        self._gave_up: dict[str, str] = {}  # by variant, why
        self._lost = {name for name, each in ledgers.items() if not reach_of(each.manifest).valid}

    def conduct(self) -> None:
        """Make every run that is planned, until none is or the end is asked for.

        A study ends early, with the reason in it, where a capacity is not found (the loads
        are shares of it), and where a pipeline completes nothing even alone. Those of other
        placements go on, unless they need that capacity, too.

        Raises
        ------
        MlbenchError
            If a run cannot be made at all; what was made before stays.
        """
        try:
            while (variant := self._next()) is not None and not self._watcher.interrupts():
                self._try(variant)
        finally:  # after the caller's interrupt, too: say that nobody goes on
            self._close()

    def _try(self, variant: str) -> None:
        try:
            self._make(variant, self._ledgers[variant])
        except Exception as error:  # whatever it is, the study says why it ended
            self._gave_up[variant] = str(error) or type(error).__name__
            raise

    @property
    def _going(self) -> dict[str, Ledger]:
        """The studies that have not given up."""
        return {name: each for name, each in self._ledgers.items() if name not in self._gave_up}

    def _next(self) -> str | None:
        """The variant whose block comes first; null if nothing is left."""
        first = {name: entry for name, each in self._going.items() if (entry := each.next())}
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
        self._pace.took(ledger.treatment(made), time.monotonic() - begin_s)
        made = self._note(ledger, made)
        if made.verdict != "VALID":
            self._judge(variant, ledger, made)
        self._watcher.ended(self._step(variant, ledger, made))
        if variant in self._gave_up:
            of = f"{variant}: " if variant else ""
            told, place = self._gave_up[variant], ledger.path / made.directory
            self._watcher.remarked(f"{of}{told} Look at it with: mlbench show {place}")
        elif made.verdict != "VALID":
            self._remark(variant, ledger)

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

    def _judge(self, variant: str, ledger: Ledger, made: RunEntry) -> None:
        """Plan an INVALID run again if the study owes it; end what cannot be studied."""
        treatment = ledger.treatment(made)
        alone = len(treatment.pipelines) == 1
        never = not any(
            run.verdict == "VALID" and run.treatment == made.treatment
            for run in ledger.manifest.runs
        )
        if alone and never and (why := barren(ledger.path / made.directory)):
            self._give_up(variant, treatment, f"{why} ({made.directory}).")
        elif ledger.owes(made.block, made.treatment):
            ledger.again(made.block, made.treatment)
        elif treatment.role == CAPACITY:
            self._give_up(variant, treatment, _not_found(treatment))

    def _give_up(self, variant: str, treatment: Treatment, why: str) -> None:
        """Make no further run of a variant, nor of those that need a capacity which it lacks."""
        if treatment.role == CAPACITY:
            needing = [
                name
                for name, each in self._ledgers.items()
                if treatment.pipelines[0] in each.unknown()
            ]
            self._gave_up.update(dict.fromkeys(needing, _not_found(treatment)))
        self._gave_up[variant] = why

    # -- for who looks on ----------------------------------------------------------------

    def _remark(self, variant: str, ledger: Ledger) -> None:
        """Say once that the blocks that are planned cannot make the study VALID any more."""
        reach = reach_of(ledger.manifest)
        if not reach.valid and variant not in self._lost:
            self._lost.add(variant)
            place = ledger.path.parent if variant else ledger.path
            self._watcher.remarked(_out_of_reach(variant, reach, place))

    def _step(self, variant: str, ledger: Ledger, entry: RunEntry) -> Step:
        made = sum(run.status != PLANNED for each in self._all for run in each.manifest.runs)
        going = self._going.values()
        waiting = sum(each.waiting for each in going)
        return Step(
            entry=entry,
            role=ledger.treatment(entry).role,
            variant=variant,
            number=made + (entry.status == PLANNED),
            runs=made + waiting,
            blocks=ledger.manifest.repeats,
            left_s=self._pace.left_s(
                each.treatment(run)
                for each in going
                for run in each.manifest.runs
                if run.status == PLANNED
            ),
            known=self._pace.known,
        )

    @property
    def _all(self) -> Sequence[Ledger]:
        return tuple(self._ledgers.values())

    def _close(self) -> None:
        """Say in each study that nobody makes it any more, and why."""
        for variant, ledger in self._ledgers.items():
            settle(ledger)
            if variant in self._gave_up:
                ledger.close("failed", self._gave_up[variant])
            else:
                ledger.close("stopped" if ledger.next() else "done")


def _not_found(treatment: Treatment) -> str:
    return f"The capacity of {treatment.pipelines[0]} was not found."


def _out_of_reach(variant: str, reach: Reach, place: Path) -> str:
    """What is lost, and what would mend it when the rest is made."""
    of = f" of {variant}" if variant else ""
    told = f"VALID is out of reach with {reach.repeats} blocks{of}: {reach.lost} lost"
    if reach.needed is None:
        return f"{told}, and more cannot mend it."
    return (
        f"{told}, so it takes {reach.needed} (later: mlbench collocate --resume {place} "
        f"--repeats {reach.needed})."
    )


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
