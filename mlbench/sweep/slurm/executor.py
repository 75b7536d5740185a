"""Executes the blocks of a sweep as jobs of Slurm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlbench.sweep.executor import Follow
from mlbench.sweep.slurm.arguments import read
from mlbench.sweep.slurm.client import require
from mlbench.sweep.slurm.options import Options, kept
from mlbench.sweep.slurm.queue import Queue
from mlbench.sweep.slurm.watch import again, say, watch

__all__ = ["Slurm"]


class Slurm:
    """Blocks as jobs: one each, so that what is compared shares a node.

    Parameters
    ----------
    options
        What each job asks of the cluster; null for what those before asked for.
    detach
        Whether to leave the jobs in the queue once they are submitted.
    """

    def __init__(self, options: Options | None = None, *, detach: bool = False) -> None:
        self._options = options
        self.detach = detach

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Slurm:
        """One with the options of a command line: ``["--partition", "gpu"]``.

        Raises
        ------
        SpecError
            If an option is unknown, or its value wrong.
        """
        options, detach = read(arguments)
        return cls(options, detach=detach)

    def run(self, directory: Path, blocks: Sequence[str], follow: Follow) -> None:
        """Execute blocks, and return when each has ended or the end was asked for.

        Jobs of these blocks that wait or run already are followed, and not submitted again.
        Asked for the end, it cancels all jobs and waits until Slurm has ended them.

        Raises
        ------
        EngineError
            If there is no Slurm, its controller does not answer, or its nodes do not see the
            directory.
        SpecError
            If Slurm refuses what the options ask for.
        """
        require()
        directory = directory.resolve()
        queue = Queue(directory, kept(directory, self._options), blocks)
        queue.fill(at_once=self.detach)
        if self.detach:
            count = len(queue.jobs.going)
            say(f"{count} jobs go on without this command; follow them with: {again(directory)}")
        else:
            watch(queue, follow)
