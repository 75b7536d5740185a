"""The ledger of a study: ``study.json``, written as a whole after every step."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mlbench import __version__
from mlbench.collocation.attempt import INTERRUPTED
from mlbench.collocation.design import CAPACITY, block_runs, design_of, planned
from mlbench.errors import NotARunError, OutputError
from mlbench.spec import Benchmark, Study, Window
from mlbench.spec.request import spec_hash
from mlbench.store.kind import STUDY
from mlbench.store.layout import write_json
from mlbench.store.process import is_running, process_identity
from mlbench.study.layout import CapacityEntry, RunEntry, StudyManifest, Treatment
from mlbench.study.reader import StudyReader

__all__ = ["Ledger"]

PLANNED = "planned"

Ending = Literal["done", "stopped", "failed"]


class Ledger:
    """What a study has planned and made, and where that is written down.

    Parameters
    ----------
    path
        The directory of the study.
    manifest
        What its ``study.json`` says.
    bench
        The spec, with the code of its stages where that is not in a module.
    """

    def __init__(self, path: Path, manifest: StudyManifest, bench: Benchmark) -> None:
        self.path = path
        self.bench = bench
        self.manifest = manifest

    @classmethod
    def new(
        cls,
        path: Path,
        bench: Benchmark,
        treatments: tuple[Treatment, ...],
        environment: Mapping[str, Any],  # Any: JSON
        variant: str = "",
    ) -> Ledger:
        """A study of which nothing is made yet, written down.

        Parameters
        ----------
        environment
            The machine's fingerprint.
        variant
            Of the placements.
        """
        study = bench.study
        runs = [block_runs(treatments, bench.seed, block) for block in range(study.repeats)]
        manifest = StudyManifest(
            spec=bench,
            seed=bench.seed,
            design=design_of(bench, variant),
            repeats=study.repeats,
            window=Window(settle=study.settle, seconds=study.seconds),
            treatments=treatments,
            runs=tuple(run for block in runs for run in block),
            environment=dict(environment),
            spec_hash=spec_hash(bench),
            created=time.time(),
            mlbench=__version__,
        )
        ledger = cls(path, manifest, bench)
        ledger.open()
        return ledger

    @classmethod
    def read(cls, path: Path, benches: Sequence[Benchmark] = ()) -> Ledger:
        """The study of a directory, which nobody works at.

        Parameters
        ----------
        benches
            Specs of which one is that of the study, where stages live in a notebook or a
            script; else the study's own is taken.

        Raises
        ------
        NotARunError
            If there is none, another process works at it, or none of the specs is its own.
        """
        manifest = StudyReader(path).manifest()
        _refuse_going(path, manifest)
        if not benches:
            return cls(path, manifest, manifest.spec)
        own = [bench for bench in benches if _pipelines_of(bench) == _pipelines_of(manifest.spec)]
        if not own:
            raise NotARunError(f"{path} is a study of another spec, {manifest.spec.name!r}")
        study = {"study": manifest.spec.study}
        return cls(path, manifest, own[0].model_copy(update=study))

    @property
    def variant(self) -> str:
        """Which variant of the placements it is; empty where there is one."""
        return str((self.manifest.design.model_extra or {}).get("variant", ""))

    # -- what is planned -----------------------------------------------------------------

    def next(self) -> RunEntry | None:
        """The run that is to be made now; null if none is."""
        return next((run for run in self.manifest.runs if run.status == PLANNED), None)

    def treatment(self, entry: RunEntry) -> Treatment:
        """What the run is a run of."""
        return self.manifest.treatment(entry.treatment)

    @property
    def waiting(self) -> int:
        """How many runs are still to be made."""
        return sum(run.status == PLANNED for run in self.manifest.runs)

    def owes(self, block: int, treatment: str) -> bool:
        """Whether a treatment of a block has to be made again.

        Only where its last run was interrupted, or others disturbed it and an attempt is
        left: whoever repeats what collocation spoils until a run passes selects runs. The
        run of a capacity is compared with nothing, and is made again whatever spoilt it.
        """
        runs = self._attempts(block, treatment)
        if any(run.status == PLANNED or _is_valid(run) for run in runs):
            return False
        last, tries = runs[-1], sum(not _is_interrupted(run) for run in runs)
        again = last.disturbed or self.treatment(last).role == CAPACITY
        return _is_interrupted(last) or (again and tries < self.bench.study.attempts)

    def _attempts(self, block: int, treatment: str) -> list[RunEntry]:
        runs = self.manifest.runs
        return [run for run in runs if (run.block, run.treatment) == (block, treatment)]

    def missing(self) -> list[tuple[int, str]]:
        """Block and treatment of which a resumed study makes another run: those it `owes`.

        A capacity without which nothing can go on is one of them after all its attempts, too.
        """
        wanted = dict.fromkeys((run.block, run.treatment) for run in self.manifest.runs)
        return [each for each in wanted if self.owes(*each) or self._lacks(*each)]

    def _lacks(self, block: int, treatment: str) -> bool:
        runs = self._attempts(block, treatment)
        measures = self.treatment(runs[-1]).role == CAPACITY
        return measures and not any(run.status == PLANNED or _is_valid(run) for run in runs)

    def unknown(self) -> list[str]:
        """Pipelines whose load is a share of a capacity that is not written down."""
        pipelines, known = self.bench.pipelines.items(), self.manifest.capacity
        return [
            name
            for name, pipeline in pipelines
            if pipeline.load.utilisation is not None and name not in known
        ]

    @property
    def valid_blocks(self) -> int:
        """Blocks in which every compared treatment has a VALID run."""
        names = {each.name for each in self.manifest.treatments if each.role != CAPACITY}
        valid = {(run.block, run.treatment) for run in self.manifest.runs if _is_valid(run)}
        blocks = range(self.manifest.repeats)
        return sum(all((block, name) in valid for name in names) for block in blocks)

    # -- what changes --------------------------------------------------------------------

    def note(self, entry: RunEntry, capacity: Mapping[str, CapacityEntry] | None = None) -> None:
        """Write down how a run stands, and what it found, as one: neither is there alone.

        Parameters
        ----------
        capacity
            By pipeline.
        """
        runs = tuple(
            entry if run.directory == entry.directory else run for run in self.manifest.runs
        )
        self._write(runs=runs, capacity={**self.manifest.capacity, **(capacity or {})})

    def again(self, block: int, treatment: str) -> None:
        """Plan another attempt: at the end of its block where that goes on, else as the next."""
        runs = self.manifest.runs
        attempt = max(run.attempt for run in self._attempts(block, treatment)) + 1
        entry = planned(self.manifest.treatments, block, treatment, attempt)
        made = max((i for i, run in enumerate(runs) if run.status != PLANNED), default=-1)
        last = max((i for i, run in enumerate(runs) if run.block == block), default=-1)
        place = (made if self.treatment(entry).role == CAPACITY else max(made, last)) + 1
        self._write(runs=(*runs[:place], entry, *runs[place:]))

    def extend(self, repeats: int) -> None:
        """Plan blocks until there are so many; there are never fewer than before."""
        present = self.manifest.repeats
        treatments, seed = self.manifest.treatments, self.manifest.seed
        more = [block_runs(treatments, seed, block) for block in range(present, repeats)]
        runs = (*self.manifest.runs, *(run for block in more for run in block))
        self._write(runs=runs, repeats=max(present, repeats))

    def found(self, capacity: Mapping[str, CapacityEntry]) -> None:
        """Write down the capacities of pipelines."""
        self._write(capacity={**self.manifest.capacity, **capacity})

    def open(self) -> None:
        """Say that this process makes it."""
        self._write(status="going", process=_this_process(), reasons=())

    def close(self, status: Ending, reason: str = "") -> None:
        """Say how it ended."""
        self._write(status=status, process=None, reasons=(reason,) if reason else ())

    def _write(self, **changes: Any) -> None:  # Any: fields of the manifest
        self.manifest = self.manifest.model_copy(update=changes)
        try:
            write_json(self.path / STUDY, self.manifest.complete())
        except OSError as error:
            raise OutputError(f"cannot write {self.path / STUDY}: {error.strerror}") from None


def _pipelines_of(bench: Benchmark) -> dict[str, Any]:  # Any: JSON
    """What runs: the spec without how often and for how long."""
    return bench.model_copy(update={"study": Study()}).complete()


def _is_valid(run: RunEntry) -> bool:
    return run.verdict == "VALID"


def _is_interrupted(run: RunEntry) -> bool:
    return INTERRUPTED in run.reasons


def _this_process() -> Any:  # Any: the identity, checked by the manifest when it is read
    from mlbench.store.manifest import Identity

    return Identity.model_validate(process_identity(os.getpid()))


def _refuse_going(path: Path, manifest: StudyManifest) -> None:
    process = manifest.process
    if manifest.status != "going" or process is None:
        return
    if is_running(process.model_dump()):
        raise NotARunError(f"{path} goes on in process {process.pid}: wait for it, or interrupt it")
