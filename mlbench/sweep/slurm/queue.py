"""The blocks of a sweep that are not in Slurm's queue yet, and how they come into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlbench.errors import SpecError
from mlbench.sweep.layout import read_plan
from mlbench.sweep.slurm.client import longest_s
from mlbench.sweep.slurm.endings import left_of
from mlbench.sweep.slurm.jobs import Jobs
from mlbench.sweep.slurm.options import Options

__all__ = ["Queue"]


class Queue:
    """Blocks on their way into Slurm's queue, and the jobs of those that are in it.

    Parameters
    ----------
    sweep
        The directory of the sweep.
    options
        What each job asks of the cluster.
    blocks
        Ids of those that are unfinished. Those that have a job already keep it.

    Raises
    ------
    EngineError
        If Slurm's controller does not answer.
    """

    def __init__(self, sweep: Path, options: Options, blocks: Sequence[str]) -> None:
        self.sweep = sweep
        self.manifest = read_plan(sweep)
        self.jobs = Jobs(sweep, options)
        found = self.jobs.find(blocks)
        self.waiting = [block for block in blocks if block not in found]
        # A plan allows for the worst; where no job may take so long, the sweep is resumed.
        self._longest_s = None if options.time else longest_s(options.partition)

    def fill(self, *, at_once: bool = False) -> None:
        """Submit as many as Slurm takes: some clusters limit how many jobs a user has.

        Parameters
        ----------
        at_once
            Whether one that is refused is an error even where others are in the queue.

        Raises
        ------
        SpecError
            If it takes none, with what to change.
        EngineError
            If its controller does not answer.
        """
        while self.waiting:
            block = self.waiting[0]
            try:
                self.jobs.submit(block, self._seconds(block), self._longest_s)
            except SpecError:
                if at_once or not self.jobs.going:
                    raise
                return
            del self.waiting[0]

    def _seconds(self, block: str) -> float:
        """How long the points of a block may take that are left."""
        left = left_of(self.sweep, self.manifest, block)
        return len(left) * self.manifest.plan.timeouts.whole
