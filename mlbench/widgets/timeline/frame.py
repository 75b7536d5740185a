"""Frame: what a browser draws, as bytes.

All numbers are little-endian, and every array begins at a multiple of four. Version 1.

A frame of samples (``MLTS``), whole or the part that grows:

=========  ========  =====================================================================
offset     type      meaning
=========  ========  =====================================================================
0          4 bytes   ``MLTS``
4          uint32    version
8          uint32    sequence: a growing part belongs to the whole frame of its sequence
12         int32     number of the first bin; bin 0 begins at the zero of the layout
16         uint32    bins
20         uint32    series
24         float64   width of a bin, s
32         float64   edge: the last instant that is known, s after the zero
40         uint32[]  id of each series in the layout
...        float32   for each series: mean, least, greatest, of each bin; NaN where none is
=========  ========  =====================================================================

A frame of work (``MLTW``): what the stages did, as shares of bins or span by span:

=========  ========  =====================================================================
0          4 bytes   ``MLTW``
4          uint32    version
8          uint32    kind: 0 shares, 1 spans
12         int32     number of the first bin (of shares)
16         uint32    rows of the layout (of shares), or spans
20         uint32    bins (of shares)
24         float64   width of a bin, s (of shares), or where the spans' times count from
32         shares    for each row float32 greatest share, 1 or more; then for each row and
                     bin uint8, 255 the greatest
32         spans     float32 start, s; float32 length, s; uint16 row; uint8 outcome
=========  ========  =====================================================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlbench.widgets.timeline.bins import Grid

__all__ = ["VERSION", "packed_samples", "packed_shares", "packed_spans"]

VERSION = 1
HEAD = struct.Struct("<4sIIiII dd")
WORK_HEAD = struct.Struct("<4sIIiII d")
SHARES, SPANS = 0, 1


def packed_samples(
    sequence: int,
    grid: Grid,
    edge_s: float,
    series: Sequence[int],
    bins: Sequence[NDArray[np.float32]],
) -> bytes:
    """A frame of samples; ``bins`` has shape (3, bins) for each series."""
    head = HEAD.pack(
        b"MLTS", VERSION, sequence, grid.first, grid.count, len(series), grid.width_ns / 1e9, edge_s
    )
    ids = np.array(series, "<u4").tobytes()
    parts: list[bytes] = [head, ids, *(np.asarray(each, "<f4").tobytes() for each in bins)]
    return b"".join(parts)


def packed_shares(grid: Grid, shares: NDArray[np.float64]) -> bytes:
    """A frame of work, shape (rows, bins), each row to the scale of its greatest share."""
    greatest = np.maximum(1.0, shares.max(axis=1, initial=0.0))
    head = WORK_HEAD.pack(
        b"MLTW", VERSION, SHARES, grid.first, len(shares), grid.count, grid.width_ns / 1e9
    )
    levels = np.rint(np.clip(shares / greatest[:, None], 0, 1) * 255).astype(np.uint8)
    return b"".join([head, greatest.astype("<f4").tobytes(), levels.tobytes()])


def packed_spans(
    origin_s: float,
    starts_s: NDArray[np.float64],
    lengths_s: NDArray[np.float64],
    rows: NDArray[np.int64],
    outcomes: NDArray[np.int64],
) -> bytes:
    """A frame of work, span by span; ``starts_s`` count from the zero, as ``origin_s`` does."""
    head = WORK_HEAD.pack(b"MLTW", VERSION, SPANS, 0, len(rows), 0, origin_s)
    return b"".join(
        [
            head,
            (starts_s - origin_s).astype("<f4").tobytes(),
            lengths_s.astype("<f4").tobytes(),
            rows.astype("<u2").tobytes(),
            outcomes.astype(np.uint8).tobytes(),
        ]
    )
