"""What the supervisor lays out for a worker before it forks: pipes, a page, rings."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlbench.engine.page import Page
from mlbench.engine.rings import Rings
from mlbench.engine.wire import pipe

__all__ = ["Desk"]


@dataclass(frozen=True)
class Desk:
    """The two ends of each pipe of a worker, its page and its rings.

    Parameters
    ----------
    inbox
        Brings queries from the driver; the worker holds the write end too, to wake itself.
    control
        Brings the supervisor's wishes, and what the worker's threads tell its main one.
    outbox
        Lines to the supervisor.
    texts
        Frames to the recorder.
    """

    inbox: tuple[int, int] = field(default_factory=pipe)
    control: tuple[int, int] = field(default_factory=pipe)
    outbox: tuple[int, int] = field(default_factory=pipe)
    texts: tuple[int, int] = field(default_factory=pipe)
    page: Page = field(default_factory=Page)
    rings: Rings = field(default_factory=Rings)

    @property
    def kept(self) -> tuple[int, ...]:
        """The descriptors that stay open in the worker."""
        return (*self.inbox, *self.control, self.outbox[1], self.texts[1])
