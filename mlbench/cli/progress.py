"""What people see while a run goes on, where there is no terminal: a line for each phase.

In a terminal they see `mlbench.cli.bars`, which count queries and need NumPy for that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from mlbench.cli.page import Page
from mlbench.cli.text import plain
from mlbench.spec import Stop

if TYPE_CHECKING:
    from mlbench.cli.tally import Tally

__all__ = ["ENDED", "STOPPING", "Lines", "Moment", "Progress", "stopping"]

Entry = Mapping[str, Any]
"""What the manifest says of one pipeline; Any: JSON."""

STOPPING = "stopping; press Ctrl-C again to kill"
DOING = {
    "setup": "be opened",
    "warm-up": "leave a stage",
    "load": "leave a stage",
    "drain": "leave a stage",
}
"""What a pipeline does before it can end, by the phase in which the end was asked for."""

MOST_NAMES = 3
ENDED = frozenset({"done", "failed", "stopped"})
"""The statuses in which a pipeline does nothing any more."""


@dataclass(frozen=True)
class Moment:
    """A run at one instant.

    Parameters
    ----------
    manifest
        ``run.json``; Any: JSON.
    tallies, stops
        By pipeline, what is recorded of it and when its load ends.
    stopping
        Whether the person has asked for its end.
    notes
        By pipeline, what it says that it is doing.
    grace_s
        How long pipelines get to end when the person has asked for it.
    """

    manifest: Mapping[str, Any]
    tallies: Mapping[str, Tally]
    stops: Mapping[str, Stop | None]
    stopping: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    grace_s: float | None = None

    def load_s(self, key: str) -> float:
        """Seconds that a pipeline has been under load, those of its drain included."""
        entry, begin_ns = self.manifest["pipelines"][key], self.manifest.get("barrier_ns")
        end_ns = entry["load"]["end_ns"] or entry.get("ended_ns") or time.monotonic_ns()
        return 0.0 if begin_ns is None else max(0, end_ns - begin_ns) / 1e9


class Progress(Protocol):
    """Something that shows moments, between entering and leaving it."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, moment: Moment) -> None:
        """Show it in place of the one before."""


class Lines:
    """A line when the phase changes, a pipeline ends, or the end was asked for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._said: set[str] = set()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *ended: object) -> None:
        return None

    def show(self, moment: Moment) -> None:
        """Say what is new."""
        if moment.stopping:
            self._say("stopping", stopping(moment))
        for phase in moment.manifest["phases"]:
            self._say(f"phase {phase['name']}", str(phase["name"]))
        for key, note in moment.notes.items():
            self._say(f"note {key} {note}", f"{key}: {note}")
        entries = moment.manifest["pipelines"].items()
        for key, entry in sorted(entries, key=lambda item: item[1]["status"] != "failed"):
            if entry["status"] in ENDED:  # the cause before those that it took along
                reason = f": {entry['reason']}" if entry.get("reason") else ""
                self._say(f"end {key}", f"{key}: {entry['status']}{reason}")

    def _say(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._page.print(plain(text), soft_wrap=True)


def stopping(moment: Moment) -> str:
    """That the run is being stopped, and what its end still waits for."""
    entries = moment.manifest["pipelines"]
    left = [key for key, entry in entries.items() if entry["status"] not in ENDED]
    doing = DOING.get(str(moment.manifest["status"]))
    if not left or doing is None or moment.grace_s is None:
        return STOPPING
    more = f" and {len(left) - MOST_NAMES} more" if len(left) > MOST_NAMES else ""
    names = f"{', '.join(left[:MOST_NAMES])}{more}"
    return STOPPING.replace(";", f": up to {moment.grace_s:g} s for {names} to {doing};")
