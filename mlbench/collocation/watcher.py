"""Who looks on while a study is made: it is told each step, and may ask for the end."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlbench.study.layout import RunEntry

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Lines", "Step", "Watcher"]


@dataclass(frozen=True)
class Step:
    """One run of a study, and how far the study has come with it.

    Parameters
    ----------
    entry
        The run, as ``study.json`` has it.
    role
        Of its treatment.
    variant
        Of the placements, empty where there is one.
    number, runs
        Which run it is, and how many there are by now.
    blocks
        Blocks that are planned.
    left_s
        How long the study will go on, as far as one can tell.
    known
        Whether a run has told how long it takes; else its setup is not in ``left_s``.
    """

    entry: RunEntry
    role: str
    variant: str
    number: int
    runs: int
    blocks: int
    left_s: float
    known: bool = True

    @property
    def text(self) -> str:
        """Where the study is: ``block 2 of 5: alone-rag``."""
        name = f"{self.variant}: " if self.variant else ""
        again = f", attempt {self.entry.attempt + 1}" if self.entry.attempt else ""
        if self.role == "capacity":
            return f"{name}{self.entry.treatment}{again}"
        place = f"block {self.entry.block + 1} of {self.blocks}"
        return f"{name}{place}: {self.entry.treatment}{again}"


class Watcher:
    """Looks on and says nothing; others override what they want to hear."""

    def interrupts(self) -> int:
        """How often the end was asked for.

        Once ends the run that goes on, cleanly; twice kills it. In both cases the study
        can be resumed.
        """
        return 0

    def began(self, step: Step) -> None:
        """A step begins: the pause before its run comes first."""

    def going(self, step: Step, run: Run) -> None:
        """Its run goes on; called a few times a second."""

    def ended(self, step: Step) -> None:
        """Its run has ended; the step has the verdict."""

    def remarked(self, text: str) -> None:
        """Something that whoever waits for the study wants to know at once."""

    def pause(self, seconds: float) -> None:
        """Wait; comes back early when the end was asked for."""
        end_s = time.monotonic() + seconds
        while not self.interrupts() and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, 0.1))


class Lines(Watcher):
    """Writes a line for each run that has ended, on standard error."""

    def ended(self, step: Step) -> None:
        """Write it."""
        reasons = " ".join(step.entry.reasons)
        line = f"{step.text}  {step.entry.verdict}  {reasons}".rstrip()
        sys.stderr.write(f"{line}\n")

    def remarked(self, text: str) -> None:
        """Write it."""
        sys.stderr.write(f"{text}\n")
