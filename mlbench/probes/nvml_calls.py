"""Calls of NVML into memory that is kept: pynvml's own make arrays and objects each time.

The library is the one that pynvml has loaded, and the structs are pynvml's. At ten readings
a second of eight GPUs, what is saved here is more than the calls themselves take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import byref, c_int32, c_uint, c_ulonglong
from struct import Struct
from typing import Any

__all__ = ["FieldCall", "ProcessCall", "StructCall", "UtilizationCall", "function_of"]

SUCCESS, INSUFFICIENT_SIZE, FUNCTION_NOT_FOUND = 0, 7, 13
FIELD_VALUE = "24xIIQ"
"""``nvmlFieldValue_t``: its type, its return code and its value; what is before is skipped."""

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


class StructCall:
    """A function that fills one struct of a device.

    Parameters
    ----------
    name
        Of the function; it is looked up at the first call.
    kind
        pynvml's struct.
    """

    def __init__(self, nvml: Any, name: str, kind: Any) -> None:  # Any: pynvml
        self._nvml = nvml
        self._name = name
        self._struct = kind()
        self._where = byref(self._struct)
        self._function: Callable[..., int] | None = None

    def __call__(self, handle: Any) -> Any:  # Any: pynvml
        """The struct, which each call fills again.

        Raises
        ------
        NVMLError
            If the driver refuses.
        """
        if self._function is None:
            self._function = function_of(self._nvml, self._name)
        if code := self._function(handle, self._where):
            raise self._nvml.NVMLError(code)
        return self._struct


class FieldCall:
    """``nvmlDeviceGetFieldValues`` for the same fields again and again.

    Parameters
    ----------
    numbers
        Of the fields.
    """

    def __init__(self, nvml: Any, handle: Any, numbers: Sequence[int]) -> None:  # Any: pynvml
        self._nvml = nvml
        self._handle = handle
        self._array = (nvml.c_nvmlFieldValue_t * len(numbers))()
        self._count = c_int32(len(numbers))
        self._where = byref(self._array)
        self._unpack = Struct(FIELD_VALUE * len(numbers)).unpack_from
        for index, number in enumerate(numbers):
            self._array[index].fieldId = number
        self._function = function_of(nvml, "nvmlDeviceGetFieldValues") if numbers else None

    def __call__(self) -> Iterator[tuple[int, int, int]]:
        """Type, return code and the 64 bits of each value.

        Raises
        ------
        NVMLError
            If the call as a whole fails; each field has a code of its own besides.
        """
        if self._function is None:
            return iter(())
        code = self._function(self._handle, self._count, self._where)
        if code != SUCCESS:
            raise self._nvml.NVMLError(code)
        flat = self._unpack(self._array)  # one object for all; a struct's field is one each time
        return zip(flat[0::3], flat[1::3], flat[2::3], strict=True)


class _List:
    """A function that fills an array, which grows where it is too small."""

    def __init__(self, nvml: Any, name: str, handle: Any, kind: Any) -> None:  # Any: pynvml
        self._nvml = nvml
        self._function = function_of(nvml, name)
        self._handle = handle
        self._kind = kind
        self._count = c_uint(0)
        self._make_room(ROOM)

    def _make_room(self, size: int) -> None:
        self._array = (self._kind * size)()
        self._rows: list[Any] = list(self._array)

    def _fill(self, *arguments: object) -> int:
        raise NotImplementedError

    def _filled(self, *arguments: object) -> list[Any]:
        self._count.value = len(self._rows)
        code = self._fill(*arguments)
        while code == INSUFFICIENT_SIZE and self._count.value > len(self._rows):
            self._make_room(2 * self._count.value)
            self._count.value = len(self._rows)
            code = self._fill(*arguments)
        if code != SUCCESS:
            raise self._nvml.NVMLError(code)
        return self._rows[: self._count.value]


class ProcessCall(_List):
    """A list of the processes on a device.

    Parameters
    ----------
    name
        Of the function, with its version.
    """

    def __init__(self, nvml: Any, name: str, handle: Any) -> None:  # Any: pynvml
        super().__init__(nvml, name, handle, nvml.c_nvmlProcessInfo_v2_t)

    def __call__(self) -> list[Any]:
        """Pynvml's structs, with ``pid`` and ``usedGpuMemory``; each call fills the same ones.

        Raises
        ------
        NVMLError
            If the driver refuses.
        """
        return self._filled()

    def _fill(self, *arguments: object) -> int:  # noqa: ARG002  (none)
        return self._function(self._handle, byref(self._count), self._array)


class UtilizationCall(_List):
    """``nvmlDeviceGetProcessUtilization``."""

    def __init__(self, nvml: Any, handle: Any) -> None:  # Any: pynvml
        kind = nvml.c_nvmlProcessUtilizationSample_t
        super().__init__(nvml, "nvmlDeviceGetProcessUtilization", handle, kind)

    def __call__(self, seen_us: int) -> list[Any]:
        """What each process did since an instant of the driver's clock; each call fills the same.

        Raises
        ------
        NVMLError
            NOT_FOUND where there is nothing new, or another where the driver refuses.
        """
        return self._filled(c_ulonglong(seen_us))

    def _fill(self, *arguments: object) -> int:
        return self._function(self._handle, self._array, byref(self._count), *arguments)
