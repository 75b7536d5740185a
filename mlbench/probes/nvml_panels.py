"""Panels: one question to several devices, whose answers lie side by side.

What was last used a tenth of a second ago is in no cache any more, so what a reading costs is
how much memory it touches, and objects for each device are most of it. While all is well a
panel takes the answers of all devices at once; what is not, each device's column settles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from typing import Any, NamedTuple

from mlbench.interfaces.probe import Row
from mlbench.probes.counter import Counter
from mlbench.probes.nvml_calls import Call
from mlbench.probes.nvml_columns import Column

__all__ = ["UNSIGNED_INT", "WHOLE", "Panel", "Place", "Shared"]

UNSIGNED_INT = 1
WHOLE = {1: 2**32 - 1, 2: 2**64 - 1, 3: 2**64 - 1, 6: 2**16 - 1}
"""The bits that count of an unsigned type, by ``nvmlValueType_t``."""


class Place(NamedTuple):
    """What a number of an answer is."""

    metric: str
    scale: float = 1.0
    counter: Counter | None = None


class Panel:
    """The question of several columns, one of each device.

    Parameters
    ----------
    columns
        Of the devices, in the order of their answers in memory.
    calls
        What asks each of them.
    places
        What the numbers of each answer are.
    layout
        What `struct` takes out of an answer: its numbers, or where they are ``marked``, each
        after its type and return code as one.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        calls: Sequence[Call],
        places: Sequence[Sequence[Place]],
        memory: Any,  # Any: an array of ctypes
        layout: str,
        marked: bool = False,
    ) -> None:
        self.columns = tuple(columns)
        self.met: list[tuple[int, int]] = []
        self._calls = tuple(calls)
        self._answers = partial(Struct(layout * len(calls)).unpack_from, memory)
        self._marked = marked
        self._marks: tuple[int, ...] | None = None
        self._places = tuple(
            (place.metric, place.scale, place.counter, column.device, index)
            for index, (column, each) in enumerate(zip(columns, places, strict=True))
            for place in each
        )
        self._masks = (WHOLE[2],) * len(self._places)

    def ask(self, clock: Callable[[], int]) -> list[Row] | None:
        """The rows of all devices; null where one is not well: what each `met` is kept."""
        self.met = met = []
        well = True
        for call in self._calls:
            code = call()
            met.append((code, clock()))
            well = well and not code
        numbers = self._answers()
        if self._marked:
            marks, numbers = numbers[0::2], numbers[1::2]
            well = well and (marks == self._marks or self._learns(marks))
        return self._rows(met, numbers) if well else None

    def _learns(self, marks: tuple[int, ...]) -> bool:
        """Whether all numbers are whole and well: that is what they are from then on."""
        if self._marks is not None or not all(mark in WHOLE for mark in marks):
            return False
        self._marks = marks
        self._masks = tuple(WHOLE[mark] for mark in marks)
        for mark, (_, _, counter, _, _) in zip(marks, self._places, strict=True):
            if counter is not None and mark == UNSIGNED_INT:
                counter.modulus = 2.0**32
        return True

    def _rows(self, met: list[tuple[int, int]], numbers: tuple[int, ...]) -> list[Row]:
        rows: list[Row] = []
        for (metric, scale, counter, device, index), mask, number in zip(
            self._places, self._masks, numbers, strict=True
        ):
            now_ns = met[index][1]
            if counter is None:
                rows.append((metric, (number & mask) * scale, now_ns, None, device, None, None))
            elif row := counter.reading(number & mask, now_ns, device, scale=scale):
                rows.append(row)
        return rows


class Shared:
    """Memory for the answers of so many devices, and the panels that come of it.

    Parameters
    ----------
    size
        How many devices there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._memory: dict[str, Any] = {}  # Any: arrays of ctypes
        self._joined: dict[str, list[tuple[Column, Call, Sequence[Place]]]] = {}

    def room(self, question: str, kind: Any) -> Any:  # Any: of ctypes
        """Where the next device's answer to a question goes."""
        memory = self._memory.setdefault(question, (kind * self._size)())
        return memory[len(self._joined.setdefault(question, []))]

    def joins(self, question: str, column: Column, call: Call, places: Sequence[Place]) -> None:
        """Note the next device's column of a question."""
        self._joined[question].append((column, call, places))

    def panel(self, question: str, layout: str, marked: bool = False) -> Panel:
        """The panel of a question that all devices have joined."""
        columns, calls, places = zip(*self._joined[question], strict=True)
        return Panel(columns, calls, places, self._memory[question], layout, marked)
