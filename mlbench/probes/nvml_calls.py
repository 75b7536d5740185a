"""Calls of NVML into memory that is kept: pynvml's own make arrays and objects each time.

The library is the one that pynvml has loaded, and the structs are pynvml's. At ten readings
a second of eight GPUs, what is saved here is more than the calls themselves take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import byref, c_int32, c_uint, c_ulonglong
from functools import partial
from struct import Struct
from typing import Any

__all__ = ["Call", "FieldCall", "ProcessCall", "UtilizationCall", "function_of", "prepared"]

Call = Callable[[], int]

SUCCESS, INSUFFICIENT_SIZE, FUNCTION_NOT_FOUND = 0, 7, 13
FIELD_VALUE = "24xIIQ"
"""``nvmlFieldValue_t``: its type, its return code and its value; what is before is skipped."""

PROCESS = "I4xQ8x"
"""``nvmlProcessInfo_v2_t``: process id and memory; its instances are skipped."""

UTILIZATION = "I4xQII8x"
"""``nvmlProcessUtilizationSample_t``, up to its shares of SMs and memory."""

ROOM = 16
"""Processes on a device that there is room for at first."""


def function_of(nvml: Any, name: str) -> Callable[..., int]:  # Any: pynvml has no types
    """A function of the library that pynvml has loaded.

    Raises
    ------
    NVMLError
        FUNCTION_NOT_FOUND, if this driver does not have it.
    """
    found: Callable[..., int] | None = getattr(nvml.nvmlLib, name, None)
    if found is None:
        raise nvml.NVMLError(FUNCTION_NOT_FOUND)
    return found


def prepared(nvml: Any, name: str, *arguments: object) -> Call:  # Any: pynvml
    """A function of the library with its arguments: whoever calls it gets its return code.

    One that this driver does not have gives the code that NVML has for that.
    """
    found: Callable[..., int] | None = getattr(nvml.nvmlLib, name, None)
    return partial(found, *arguments) if found is not None else lambda: FUNCTION_NOT_FOUND


class FieldCall:
    """``nvmlDeviceGetFieldValues`` for the same fields again and again.

    Parameters
    ----------
    numbers
        Of the fields.
    memory
        Where their values go; default an array of its own.
    """

    def __init__(
        self, nvml: Any, handle: Any, numbers: Sequence[int], memory: Any = None
    ) -> None:  # Any: pynvml
        self._nvml = nvml
        self._array = memory or (nvml.c_nvmlFieldValue_t * len(numbers))()
        for index, number in enumerate(numbers):
            self._array[index].fieldId = number
        arguments = handle, c_int32(len(numbers)), byref(self._array)
        self.call = prepared(nvml, "nvmlDeviceGetFieldValues", *arguments)
        self._unpack = Struct(FIELD_VALUE * len(numbers)).unpack_from

    def __call__(self) -> Iterator[tuple[int, int, int]]:
        """Type, return code and the 64 bits of each value.

        Raises
        ------
        NVMLError
            If the call as a whole fails; each field has a code of its own besides.
        """
        if code := self.call():
            raise self._nvml.NVMLError(code)
        return self.values()

    def values(self) -> Iterator[tuple[int, int, int]]:
        """What the last call gave."""
        flat = self._unpack(self._array)  # one object for all; a struct's field is one each time
        return zip(flat[0::3], flat[1::3], flat[2::3], strict=True)


class _List:
    """A function that fills an array, which grows where it is too small.

    Parameters
    ----------
    row
        What `struct` takes out of each entry.
    """

    def __init__(
        self, nvml: Any, name: str, handle: Any, kind: Any, row: str
    ) -> None:  # Any: pynvml
        self._nvml = nvml
        self._function = function_of(nvml, name)
        self._handle = handle
        self._kind = kind
        self._row = Struct(row)
        self._count = c_uint(0)
        self._make_room(ROOM)

    def _make_room(self, size: int) -> None:
        self._array = (self._kind * size)()
        self._room = size
        self._bytes = memoryview(self._array).cast("B")
        self._call = self._bound()

    def _bound(self) -> Call:
        """The function with its arguments, the array as it is now among them."""
        raise NotImplementedError

    def _size(self) -> int:
        """How many entries there are, after a new call."""
        self._count.value = self._room
        code = self._call()
        while code == INSUFFICIENT_SIZE and self._count.value > self._room:
            self._make_room(2 * self._count.value)
            self._count.value = self._room
            code = self._call()
        if code != SUCCESS:
            raise self._nvml.NVMLError(code)
        return self._count.value

    def _rows(self) -> list[tuple[int, ...]]:
        size = self._size()
        if not size:
            return []
        return list(self._row.iter_unpack(self._bytes[: size * self._row.size]))


class ProcessCall(_List):
    """A list of the processes on a device.

    Parameters
    ----------
    name
        Of the function, with its version.
    """

    def __init__(self, nvml: Any, name: str, handle: Any) -> None:  # Any: pynvml
        super().__init__(nvml, name, handle, nvml.c_nvmlProcessInfo_v2_t, PROCESS)

    def __call__(self) -> list[tuple[int, ...]]:
        """The process id of each, and the memory that it holds in bytes.

        Raises
        ------
        NVMLError
            If the driver refuses.
        """
        return self._rows()

    def _bound(self) -> Call:
        return partial(self._function, self._handle, byref(self._count), self._array)


class UtilizationCall(_List):
    """``nvmlDeviceGetProcessUtilization``."""

    def __init__(self, nvml: Any, handle: Any) -> None:  # Any: pynvml
        self._seen_us = c_ulonglong(0)
        kind = nvml.c_nvmlProcessUtilizationSample_t
        super().__init__(nvml, "nvmlDeviceGetProcessUtilization", handle, kind, UTILIZATION)

    def __call__(self, seen_us: int) -> list[Any]:
        """Pynvml's structs of what each process did since an instant of the driver's clock.

        Raises
        ------
        NVMLError
            NOT_FOUND where there is nothing new, or another where the driver refuses.
        """
        self._seen_us.value = seen_us
        size = self._size()  # which may make a new array
        return list(self._array[:size])

    def rows(self, seen_us: int) -> list[tuple[int, ...]]:
        """The same as numbers: process id, instant in µs, and its shares of SMs and memory."""
        self._seen_us.value = seen_us
        return self._rows()

    def _bound(self) -> Call:
        arguments = self._handle, self._array, byref(self._count), self._seen_us
        return partial(self._function, *arguments)
