"""One part of the check: what it is called, what it needs, and what came of it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Outcome", "Part", "Site", "carried_out"]

LIMIT_S = 400.0
"""No part begins later than this; the longest takes about a minute: all is over in eight."""


@dataclass(frozen=True)
class Site:
    """Where the check is made.

    Parameters
    ----------
    nvml
        pynvml, initialised.
    handle
        Of the first GPU.
    uuid, model, driver
        As the driver says them.
    cuda
        Why nothing can compute on it; null where it can.
    folder
        Where recordings go.
    """

    nvml: Any  # Any: the module pynvml, which has no types
    handle: Any  # Any: a pointer of pynvml
    uuid: str
    model: str
    driver: str
    cuda: str | None
    folder: Path

    @property
    def is_stand_in(self) -> bool:
        """Whether the library is none of NVIDIA's."""
        return "stand-in" in self.driver.lower()


@dataclass(frozen=True)
class Part:
    """A part: its name, what makes its result, and whether that computes on the GPU."""

    name: str
    make: Callable[[Site], dict[str, Any]]
    computes: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a part: a result, or the reason why there is none."""

    name: str
    seconds: float
    result: dict[str, Any] | None
    reason: str | None = None


def carried_out(
    parts: Iterable[Part], site: Site, clock: Callable[[], float] = time.monotonic
) -> Iterator[Outcome]:
    """Make each part in turn; one that fails is told, and the others are made."""
    first_s = clock()
    for part in parts:
        begin_s = clock()
        if part.computes and site.cuda is not None:
            yield Outcome(part.name, 0.0, None, site.cuda)
            continue
        if begin_s - first_s > LIMIT_S:
            yield Outcome(part.name, 0.0, None, "there was no time left for it")
            continue
        try:
            result, reason = part.make(site), None
        except Exception as error:  # whatever a driver does: it is what the check is to find
            result, reason = None, f"{type(error).__name__}: {error}"
            traceback.print_exc()
        yield Outcome(part.name, clock() - begin_s, result, reason)
