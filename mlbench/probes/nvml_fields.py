"""Field values of NVML: several numbers by one call, each with a return code of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import unpack_from
from sys import byteorder
from typing import Any

from mlbench.interfaces.probe import Row
from mlbench.probes.counter import Counter
from mlbench.probes.nvml_calls import Call, FieldCall
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_devices import Handle
from mlbench.probes.nvml_errors import PATIENCE, Fate, fate_of, reason_of
from mlbench.probes.nvml_panels import UNSIGNED_INT, WHOLE, Place

__all__ = ["Field", "Fields", "number_of"]

OTHERS = {0: "d", 4: "q", 5: "i"}
"""Double, and the signed types, as `struct` names them."""


@dataclass(slots=True)
class Field:
    """One field of one device.

    Parameters
    ----------
    number
        ``NVML_FI_...``, as ``nvml.h`` numbers it.
    metric
        What it gives.
    scale
        From its unit to the metric's.
    counter
        Where it is a running total.
    otherwise
        The column that stands in for it where the device does not have it.
    """

    number: int
    metric: str
    scale: float = 1.0
    counter: Counter | None = None
    otherwise: Callable[[], Column] | None = None
    failures: int = 0


class Fields:
    """Some fields of one device, for one column.

    Parameters
    ----------
    memory
        Where their values go at first, beside those of other devices.
    """

    def __init__(
        self,
        columns: Columns,
        handle: Handle,
        fields: Sequence[Field],
        memory: Any,  # Any: an array of pynvml's
    ) -> None:
        self._columns = columns
        self._handle = handle
        self._fields = tuple(fields)
        self._call = self._prepared(memory)

    def _prepared(self, memory: Any = None) -> FieldCall:  # Any: an array of pynvml's
        numbers = [field.number for field in self._fields]
        return FieldCall(self._columns.nvml, self._handle.handle, numbers, memory)

    @property
    def call(self) -> Call:
        """What asks for them at first."""
        return self._call.call

    @property
    def places(self) -> tuple[Place, ...]:
        """What their values are."""
        return tuple(Place(each.metric, each.scale, each.counter) for each in self._fields)

    def ask(self) -> list[Row]:
        """The fields that the device has, as they are now."""
        if not self._fields:
            return []
        return self.settle(self._call.call(), self._columns.context.clock())

    def settle(self, code: int, now_ns: int) -> list[Row]:
        """The rows of what the last call has left, from its return code and its instant."""
        fields, device = self._fields, self._handle.name
        if code:
            if fate_of(code) is not Fate.GONE:
                raise self._columns.nvml.NVMLError(code)
            for field in fields:  # a device that does not have the call has none of them
                self._failed(field, code)
            return []
        values = self._call.values()
        rows: list[Row] = []
        for field, (kind, refusal, bits) in zip(fields, values, strict=True):
            if refusal:
                self._failed(field, refusal)
                continue
            mask = WHOLE.get(kind)
            number = number_of(kind, bits) if mask is None else bits & mask
            if field.failures:
                field.failures = 0
            if field.counter is None:
                value = number * field.scale
                rows.append((field.metric, value, now_ns, None, device, None, None))
                continue
            if kind == UNSIGNED_INT:
                field.counter.modulus = 2.0**32
            row = field.counter.reading(number, now_ns, device, scale=field.scale)
            if row is not None:
                rows.append(row)
        return rows

    def _failed(self, field: Field, code: int) -> None:
        """The code of one field: the others may be well."""
        error, fate = self._columns.nvml.NVMLError(code), fate_of(code)
        if fate in (Fate.LOST, Fate.OVER):
            raise error
        if fate is Fate.AGAIN:
            field.failures += 1
        if fate is Fate.GONE or field.failures >= PATIENCE:
            self._fields = tuple(each for each in self._fields if each is not field)
            self._call = self._prepared()
            if field.otherwise is not None:
                self._columns.add(field.otherwise())
            else:
                context, device = self._columns.context, self._handle.name
                context.missing(field.metric, reason_of(error), device)


def number_of(kind: int, bits: int) -> float:
    """The number in the 64 bits of a field, which its declared type says how to read.

    Examples
    --------
    >>> number_of(3, 5), number_of(1, (7 << 32) + 5), number_of(4, 2**64 - 1)
    (5, 5, -1)
    """
    if kind in WHOLE:
        return bits & WHOLE[kind]
    number: float = unpack_from(OTHERS.get(kind, "Q"), bits.to_bytes(8, byteorder))[0]
    return number
