"""A study, seen from outside: the same object while it is made and ten years later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlbench.analysis.record import ENDED
from mlbench.run import Run
from mlbench.spec import Benchmark
from mlbench.study.estimate import Method
from mlbench.study.layout import TOGETHER, RunEntry, StudyManifest, alone
from mlbench.study.reader import StudyReader, counted

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.study.block import Block
    from mlbench.study.judge import StudyVerdict
    from mlbench.study.results import TreatmentResult

__all__ = ["Study", "open_study"]

Interval = Literal["t", "bootstrap"]
BlockKey = tuple[object, ...]
"""What a block consists of: its number, and directory and status of each run."""

AT_ONCE = 2
"""Blocks that are read at the same time; the tables of all of their runs are in memory."""


class Study:
    """A study directory with what its runs say together.

    Everything is read from the directory at each call, so a study that is still going gives
    what its runs have said so far. Blocks that have ended are looked at once.

    Parameters
    ----------
    path
        The directory.
    interval
        ``t`` for Student's t on the logarithms of the blocks' ratios; ``bootstrap`` for the
        hierarchical bootstrap of blocks and queries, which with few blocks covers less.
    confidence
        What intervals cover.

    Raises
    ------
    NotARunError
        If there is no study, or it cannot be read.
    """

    def __init__(
        self, path: str | PathLike[str], interval: Interval = "t", confidence: float = 0.95
    ) -> None:
        if interval not in ("t", "bootstrap"):
            raise ValueError(f"expected interval 't' or 'bootstrap', got {interval!r}")
        if not 0 < confidence < 1:
            raise ValueError(f"expected a confidence between 0 and 1, got {confidence}")
        self.path = Path(path)
        self.method = Method(interval, confidence)
        self._reader = StudyReader(self.path)
        self._blocks: dict[BlockKey, Block] = {}
        self.manifest  # noqa: B018  (says at once if there is none)

    def __repr__(self) -> str:
        return f"Study({str(self.path)!r}, status={self.status!r})"

    @property
    def id(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    @property
    def manifest(self) -> StudyManifest:
        """What ``study.json`` says."""
        return self._reader.manifest()

    @property
    def bench(self) -> Benchmark:
        """The spec of the study."""
        return self.manifest.spec

    @property
    def status(self) -> str:
        """``going``, ``done``, ``stopped``, ``failed``, or ``aborted``: its process is gone."""
        return self._reader.status(self.manifest)

    @property
    def is_going(self) -> bool:
        """Whether runs are still being made."""
        return self.status == "going"

    # -- its runs ------------------------------------------------------------------------

    def runs(self) -> pd.DataFrame:
        """One row a run, planned ones too, in the order of the study.

        Returns
        -------
        DataFrame
            ``block``, ``treatment``, ``attempt``, ``status``, ``verdict``, ``counted``
            (whether it is the attempt that is looked at), ``reasons`` (tuple), ``directory``.
        """
        import pandas as pd

        manifest = self.manifest
        chosen = {entry.directory for entry in counted(manifest).values()}
        columns = ("block", "treatment", "attempt", "status", "verdict", "reasons", "directory")
        rows = [
            {name: getattr(entry, name) for name in columns}
            | {"counted": entry.directory in chosen}
            for entry in manifest.runs
        ]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=[*columns[:5], "counted", *columns[5:]])
        return frame

    def run(self, block: int, treatment: str) -> Run:
        """The run of a treatment in a block.

        Raises
        ------
        KeyError
            If none has ended.
        """
        return Run(self._reader.run_path(counted(self.manifest)[block, treatment]))

    # -- what they say -------------------------------------------------------------------

    def blocks(self) -> list[Block]:
        """What each block says, as far as it has come."""
        return self._blocks_of(self.manifest)

    def results(self) -> dict[str, TreatmentResult]:
        """The estimates of each collocated treatment."""
        from mlbench.study.results import results_of

        manifest = self.manifest
        return results_of(manifest, self._blocks_of(manifest), self.method)

    def verdict(self) -> StudyVerdict:
        """VALID, or INVALID with every reason."""
        from mlbench.study.judge import judge

        manifest = self.manifest
        return judge(manifest, self._reader.status(manifest), self._blocks_of(manifest))

    def slowdown(self) -> pd.DataFrame:
        """How much slower each pipeline is in each collocated treatment.

        Returns
        -------
        DataFrame
            ``treatment``, ``dial``, ``pipeline``, ``metric`` (of latency the mean and the
            quantiles p50, p90 and p99, throughput, and the paired median: over queries, of
            each query's own ratio; with tokens also of ``ttft`` and ``tpot``), ``outcome``,
            ``rate_limited``, ``estimate``, ``low``, ``high`` (ratio, above 1 is worse),
            ``isolated``, ``collocated`` (ms, or queries/s; geometric means over blocks),
            ``blocks``, ``reason`` of a null.
        """
        from mlbench.study.tables import slowdown_table

        return slowdown_table(self.results())

    def stages(self) -> pd.DataFrame:
        """The same of each stage: service as a ratio, queueing as a difference in ms.

        Returns
        -------
        DataFrame
            ``treatment``, ``dial``, ``pipeline``, ``stage``, ``metric`` (``service_p50``,
            ``queueing_mean``, ...), ``unit`` (``ratio`` or ``ms``), ``estimate``, ``low``,
            ``high``, ``isolated``, ``collocated`` (ms), ``blocks``, ``reason``.
        """
        from mlbench.study.tables import stage_table

        return stage_table(self.results())

    def added(self) -> pd.DataFrame:
        """How the latency that collocation adds to a query divides, in ms.

        Returns
        -------
        DataFrame
            ``treatment``, ``dial``, ``pipeline``, ``part`` (``latency`` is the sum of the
            others: ``lateness``, ``service`` and ``queueing`` of each stage, ``unmatched``),
            ``stage``, ``estimate``, ``low``, ``high``, ``blocks``, ``reason`` of a null: where
            more than one in twenty pairs failed or was cut off, too.
        """
        from mlbench.study.tables import added_table

        return added_table(self.results())

    def together(self) -> pd.DataFrame:
        """STP, ANTT, Jain's index and fairness of each treatment.

        Returns
        -------
        DataFrame
            ``treatment``, ``dial``, ``metric``, ``estimate``, ``low``, ``high``, ``blocks``,
            ``reason``.
        """
        from mlbench.study.tables import together_table

        return together_table(self.results())

    def matrix(self) -> pd.DataFrame:
        """The slowdown of each pipeline beside each other one, of treatments of two.

        Returns
        -------
        DataFrame
            As `slowdown`, with ``beside``, the other pipeline.
        """
        from mlbench.study.tables import matrix_table

        return matrix_table(self.results())

    def sensitivity(self) -> pd.DataFrame:
        """The slowdown over the dial of the co-tenant, in the order of the dial.

        Returns
        -------
        DataFrame
            As `matrix`, of the treatments that have a dial.
        """
        from mlbench.study.tables import matrix_table

        found = self.results()
        dialled = {name: each for name, each in found.items() if each.treatment.dial is not None}
        table = matrix_table(dialled)
        order = ["pipeline", "metric", "dial"]
        ordered: pd.DataFrame = table.sort_values(order, ignore_index=True)
        return ordered

    def queries(self) -> pd.DataFrame:
        """One row a query that an isolated and a collocated run both measured.

        Returns
        -------
        DataFrame
            ``treatment``, ``pipeline`` (category), ``block``, ``query``, ``isolated_ns``,
            ``collocated_ns`` (Int64; null for one that did not succeed), ``ratio`` (null
            where one of them is), ``valid`` (whether both runs count). These are the queries
            of the blocks that `slowdown` is made of, those in which both runs are VALID; what
            is not the same work alone and together is left out.
        """
        from mlbench.study.queries import paired_queries

        manifest = self.manifest
        return paired_queries(self._reader, manifest, self._blocks_of(manifest))

    def attribution(self, block: int = 0, treatment: str = TOGETHER) -> pd.DataFrame:
        """Who used what in a collocated run, its models calibrated on the block's isolated runs.

        Parameters
        ----------
        block, treatment
            Which run: treatments stand in `runs`.

        Returns
        -------
        DataFrame
            As `Run.attribution`; a pipeline whose isolated run has not ended is not calibrated.

        Raises
        ------
        KeyError
            If no run of that treatment has ended in that block.
        """
        manifest = self.manifest
        chosen = counted(manifest)
        names = manifest.treatment(treatment).pipelines
        isolated = {
            name: Run(self._reader.run_path(chosen[block, alone(name)]))
            for name in names
            if (block, alone(name)) in chosen
        }
        return self.run(block, treatment).attribution(isolated)

    def summary(self) -> dict[str, Any]:  # Any: JSON
        """The study in plain data: what ``mlbench collocate --json`` prints."""
        from mlbench.study.document import document
        from mlbench.study.judge import judge
        from mlbench.study.results import results_of

        manifest, method = self.manifest, self.method
        status, blocks = self._reader.status(manifest), self._blocks_of(manifest)
        results, verdict = results_of(manifest, blocks, method), judge(manifest, status, blocks)
        found = document(manifest, status, blocks, results, verdict, method)
        return {**found, "study": self.id}

    def describe(self) -> str:
        """The study in words, as a section on results has them."""
        from mlbench.study.prose import prose

        return prose(self.summary())

    def _blocks_of(self, manifest: StudyManifest) -> list[Block]:
        """Every block that has begun; those that were not looked at yet, `AT_ONCE` at a time."""
        from mlbench.study.block import read_block

        keys: dict[BlockKey, int] = {
            (number, *((entry.directory, entry.status) for entry in entries)): number
            for number, entries in _by_block(manifest)
        }
        runs: dict[int, dict[str, RunEntry]] = {number: {} for number in keys.values()}
        for (number, treatment), entry in counted(manifest).items():
            runs.setdefault(number, {})[treatment] = entry
        draws = self.method.resamples
        with ThreadPoolExecutor(AT_ONCE) as threads:
            coming = {
                key: threads.submit(read_block, self._reader, manifest, number, runs[number], draws)
                for key, number in keys.items()
                if key not in self._blocks
            }
            came = {key: future.result() for key, future in coming.items()}
        self._blocks = {key: came[key] if key in came else self._blocks[key] for key in keys}
        return list(self._blocks.values())


def _by_block(manifest: StudyManifest) -> Iterator[tuple[int, Sequence[RunEntry]]]:
    """The runs of each block that has begun: those that have ended."""
    found: dict[int, list[RunEntry]] = {}
    compared = {each.name for each in manifest.treatments if each.role != "capacity"}
    for entry in manifest.runs:
        if entry.status in ENDED and entry.treatment in compared:
            found.setdefault(entry.block, []).append(entry)
    yield from sorted(found.items())


def open_study(
    path: str | PathLike[str], interval: Interval = "t", confidence: float = 0.95
) -> Study:
    """The study in a directory, while it is made or after.

    Parameters
    ----------
    interval, confidence
        How intervals are made; see `Study`.

    Raises
    ------
    NotARunError
        If there is none, or it cannot be read.
    """
    return Study(path, interval, confidence)
