"""What a timeline is made of: tracks, bins, work and frames, without any run."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest

from mlbench.records import SPANS
from mlbench.store.stream import schema_of
from mlbench.widgets.timeline.bins import Grid, binned, grid_of
from mlbench.widgets.timeline.camera import View
from mlbench.widgets.timeline.frame import VERSION, packed_samples, packed_shares
from mlbench.widgets.timeline.track import Track
from mlbench.widgets.timeline.work import COARSE_BINS, RECENT, Work

pytestmark = pytest.mark.unit


def track_of(times: list[int], values: list[float]) -> Track:
    track = Track()
    track.add(np.array(times), np.array(values))
    return track


def spans(starts: np.ndarray, ends: np.ndarray, stage: int = 0) -> pa.RecordBatch:
    """Spans of one stage, as a worker writes them."""
    count = len(starts)
    columns = {"start": starts, "end": ends, "ready": starts, "stage": np.full(count, stage)}
    arrays = [
        pa.array([[]] * count if name == "parents" else columns.get(name, np.zeros(count)), kind)
        for name, kind in ((field.name, field.type) for field in schema_of(SPANS))
    ]
    return pa.record_batch(arrays, schema=schema_of(SPANS))


# -- a track -----------------------------------------------------------------------------


def test_a_track_is_in_order_of_time_however_its_values_come() -> None:
    track = track_of([30, 10], [3, 1])
    track.add(np.array([20]), np.array([2.0]))
    assert track.times.tolist() == [10, 20, 30]
    assert track.values.tolist() == [1, 2, 3]


def test_a_track_that_is_full_keeps_its_extremes_and_all_of_what_is_new() -> None:
    values = np.sin(np.arange(10_000) / 7) * np.arange(10_000)
    values[123] = 99_999
    track = Track(limit=1024)
    for part in np.split(np.arange(10_000), 100):
        track.add(part * 10, values[part])
    assert track.times.size <= 1024
    assert track.is_thinned
    assert track.values.max() == 99_999
    assert track.values[-200:].tolist() == values[-200:].astype(np.float32).tolist()
    assert (np.diff(track.times) > 0).all()


# -- bins --------------------------------------------------------------------------------


def test_bins_stand_at_multiples_of_their_width_so_that_a_pan_changes_none() -> None:
    one, other = (
        grid_of(0, 1_234_567_890, 61_234_567_890, 600),
        grid_of(0, 5 * 10**9, 65 * 10**9, 600),
    )
    assert one.width_ns == other.width_ns == 10**8
    assert one.edges[0] % one.width_ns == 0


def test_a_bin_has_mean_and_range_and_none_where_nobody_read() -> None:
    found = binned(track_of([0, 5, 25], [1, 5, 4]), Grid(0, 10, -1, 4))
    assert np.isnan(found[:, [0, 2]]).all()
    assert found[:, 1].tolist() == [3, 1, 5]
    assert found[:, 3].tolist() == [4, 4, 4]


def test_what_a_browser_asks_for_makes_sense_or_is_left_out() -> None:
    nonsense = {"follow": None, "start": "<b>", "seconds": -1, "pixels": 1e99}
    assert View.of(nonsense, going=True) == View(False, None, None, 800)
    assert View.of({}, going=False).seconds is None
    assert View.of({}, going=True).seconds == 60


# -- work --------------------------------------------------------------------------------


def test_work_is_the_share_of_a_bin_that_a_stage_was_busy() -> None:
    work = Work(2, 0)
    work.add(spans(np.array([0, 15]), np.array([10, 20]), stage=1))
    assert work.shares(Grid(0, 10, 0, 3)).tolist() == [[0, 0, 0], [1, 0.5, 0]]


def test_work_that_is_held_no_more_is_the_same_in_coarser_bins() -> None:
    count, step = 4 * RECENT, 1_000_000
    work = Work(1, 0)
    for part in np.split(np.arange(count), 8):
        work.add(spans(part * step, part * step + step // 4))
    whole = Grid(0, count * step // 100, 0, 100)
    assert work.between(0, 1) is None
    assert work.between((count - 10) * step, count * step) is not None
    np.testing.assert_allclose(work.shares(whole)[0], 0.25, rtol=0.01)


def test_work_holds_no_more_however_long_it_goes_on() -> None:
    work = Work(1, 0)
    for hour in range(8):
        starts = (hour * 3600 + np.arange(3600)) * 10**9
        work.add(spans(starts, starts + 5 * 10**8))
    assert work._busy.shape[1] <= COARSE_BINS
    day = Grid(0, 8 * 36 * 10**9, 0, 100)
    np.testing.assert_allclose(work._coarse_shares(day)[0], 0.5, rtol=1e-6)


# -- frames ------------------------------------------------------------------------------


def test_a_frame_of_samples_is_as_its_table_says() -> None:
    bins = np.array([[1, 2], [0, 1], [2, 3]], np.float32)
    frame = packed_samples(9, Grid(0, 5 * 10**8, -4, 2), 1.5, [7], [bins])
    assert struct.unpack_from("<4sIIiIIdd", frame) == (b"MLTS", VERSION, 9, -4, 2, 1, 0.5, 1.5)
    assert struct.unpack_from("<I6f", frame, 40) == (7, 1, 2, 0, 1, 2, 3)
    assert len(frame) == 40 + 4 + 24


def test_a_frame_of_work_has_each_row_to_the_scale_of_its_greatest() -> None:
    frame = packed_shares(Grid(0, 10**9, 3, 2), np.array([[0.5, 1.0], [2.0, 4.0]]))
    assert struct.unpack_from("<4sIIiIId", frame) == (b"MLTW", VERSION, 0, 3, 2, 2, 1.0)
    assert struct.unpack_from("<2f4B", frame, 32) == (1.0, 4.0, 128, 255, 128, 255)
