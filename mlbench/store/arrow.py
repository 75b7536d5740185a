"""Arrow's columns as NumPy arrays and back, through their buffers.

`pyarrow.array`, `to_numpy` and a comparison with a number would do, but import pandas to look
at what they get: 0.2 s of a core and 50 MB, beside a run that is being measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlbench.records import NULL

__all__ = ["from_numpy", "to_numpy"]

Values = NDArray[Any]  # Any: int32, int64 or float64, as the column is

_NULLS: dict[str, float] = {"int32": -1, "int64": NULL, "double": np.nan}
"""What stands for null in an array of each type."""

_KINDS: dict[str, type] = {"int32": np.int32, "int64": np.int64, "double": np.float64}


def to_numpy(values: pa.Array | pa.ChunkedArray) -> Values:
    """A column of int32, int64 or float64, shape (rows,), without copying where it is whole.

    Null is -1, `NULL` or NaN. The array cannot be written to where it is a view.

    Examples
    --------
    >>> import pyarrow as pa
    >>> to_numpy(pa.chunked_array([[1, 2], [None]], pa.int32())).tolist()
    [1, 2, -1]
    """
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    parts = [_plain(chunk) for chunk in chunks]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, _KINDS[str(values.type)])


def _plain(values: pa.Array) -> Values:
    kind = str(values.type)
    if not len(values):
        return np.empty(0, _KINDS[kind])
    rows = slice(values.offset, values.offset + len(values))
    bits, data = values.buffers()
    begin = values.offset * np.dtype(_KINDS[kind]).itemsize
    found: Values = np.frombuffer(data, _KINDS[kind], len(values), begin)
    if values.null_count:
        known = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[rows]
        found = np.where(known, found, np.asarray(_NULLS[kind], found.dtype))
    return found


def from_numpy(values: Values, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """The Arrow array of an array of int32, int64, float64 or bool; null where not ``known``.

    Examples
    --------
    >>> import numpy as np
    >>> from_numpy(np.array([1, 2]), np.array([True, False])).to_pylist()
    [1, None]
    """
    if values.dtype == np.bool_:
        kind, data = pa.bool_(), np.packbits(values, bitorder="little")
    else:
        kind, data = pa.from_numpy_dtype(values.dtype), np.ascontiguousarray(values)
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(data)])
