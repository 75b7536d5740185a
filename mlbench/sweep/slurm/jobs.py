"""The jobs of one sweep: found again, submitted, watched, cancelled."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from mlbench.errors import EngineError
from mlbench.sweep.executor import LOCKED, TERMINATED
from mlbench.sweep.slurm import client
from mlbench.sweep.slurm.job import Job, is_hopeless
from mlbench.sweep.slurm.ledger import Entry, Ledger
from mlbench.sweep.slurm.options import Options, minutes
from mlbench.sweep.slurm.submission import comment_of, submit

__all__ = ["Jobs"]

SILENCE_S = 600.0
"""How long the controller may not answer: one that is restarted takes minutes."""

FORGOTTEN = "Slurm has forgotten it"
ELSEWHERE = "another process executes this block"


class Jobs:
    """The jobs of a sweep and what is done with them.

    Parameters
    ----------
    sweep
        Its directory.
    options
        What each job asks for.
    silence_s
        How long the controller may not answer before that is an error.
    """

    def __init__(self, sweep: Path, options: Options, silence_s: float = SILENCE_S) -> None:
        self._sweep = sweep
        self._options = options
        self._silence_s = silence_s
        self._heard_s = time.monotonic()
        self.ledger = Ledger(sweep)

    @property
    def going(self) -> dict[str, Entry]:
        """Those that wait or run as far as is known, by the number of the job."""
        return self.ledger.going

    def find(self, blocks: Collection[str]) -> dict[str, Entry]:
        """The jobs of these blocks that wait or run, by block, whoever submitted them.

        One that was submitted by a process which died before it could write that down is
        found by what is written on the job.

        Raises
        ------
        EngineError
            If the controller does not answer.
        """
        self._note(client.look_up(list(self.going)))
        comments = {comment_of(self._sweep, block): block for block in blocks}
        for comment, job in client.named(comments).items():
            if job.id not in self.going:
                self.ledger.add(comments[comment], job)
        return {entry.block: entry for entry in self.going.values() if entry.block in blocks}

    def submit(self, block: str, seconds: float, longest_s: float | None) -> Entry:
        """Put the job of a block into the queue.

        Parameters
        ----------
        seconds
            How long its points may take.
        longest_s
            How long a job may take there; null for any time.

        Raises
        ------
        SpecError
            If Slurm does not take it, with what to change.
        EngineError
            If the controller does not answer.
        """
        limit = minutes(seconds, longest_s)
        number = submit(self._sweep, block, self._options, limit)
        return self.ledger.add(block, Job(number, "pending"))

    def look(self) -> list[Entry]:
        """See how they stand; returns those that changed.

        A job that waits for what never comes is cancelled.

        Raises
        ------
        EngineError
            If the controller has not answered for too long; the jobs go on.
        """
        try:
            seen = client.look_up(list(self.going))
            client.cancel([job.id for job in seen.values() if is_hopeless(job)])
            changed = self._note(seen)
        except EngineError:
            if time.monotonic() - self._heard_s > self._silence_s:
                raise
            return []
        self._heard_s = time.monotonic()
        return changed

    def cancel(self, *, at_once: bool = False) -> None:
        """Ask for the end of all that wait or run; they end within the cluster's grace.

        Parameters
        ----------
        at_once
            Without that grace.

        Raises
        ------
        EngineError
            If the controller does not answer.
        """
        client.cancel(list(self.going), at_once=at_once)

    def _note(self, seen: Mapping[str, Job]) -> list[Entry]:
        going = self.going
        missing = [
            replace(entry.job, state="failed", reason=FORGOTTEN)
            for key, entry in going.items()
            if key not in seen
        ]
        known = [_judged(job, going[key].job) for key, job in seen.items()]
        return self.ledger.update([*known, *missing])


def _judged(job: Job, before: Job) -> Job:
    """A job as it stands, where Slurm alone does not say why.

    A block that ends at the signal before its time is up has failed, to Slurm; and the reason
    for which a hopeless job was cancelled is gone with its waiting.
    """
    if job.state == "failed":
        status = client.exit_status(job.id)
        if status == TERMINATED:
            return replace(job, state="timed out", reason="TimeLimit")
        return replace(job, reason=ELSEWHERE) if status == LOCKED else job
    if job.state == "cancelled" and is_hopeless(before):
        return replace(job, state="failed", reason=before.reason)
    return job
