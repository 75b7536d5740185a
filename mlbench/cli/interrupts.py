"""Interrupts: Ctrl-C asks a run to stop, and a second one ends it."""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Counts interrupts from before a run starts until it has ended, and passes them on.

    A signal that whoever started this process had it ignore stays ignored.
    """

    def __init__(self) -> None:
        self.count = 0
        self._run: Run | None = None
        self._before: dict[signal.Signals, Any] = {}  # Any: what `signal.signal` takes back

    def __enter__(self) -> Interrupts:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def watch(self, run: Run) -> None:
        """Pass them on to this run from now on, and those that came already."""
        self._run = run
        self._pass_on()

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (a handler)
        self.count += 1
        self._pass_on()

    def _pass_on(self) -> None:
        if self._run is None or not self.count:
            return
        if self.count == 1:
            with suppress(OSError):  # a full disk: the second one needs none
                self._run.stop()
        else:
            self._run.kill()
