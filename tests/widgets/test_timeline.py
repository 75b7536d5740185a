"""A timeline in Python: what it reads of a run, when its thread ends, what was brushed."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from widget_runs import bench, finished, with_samples

import mlbench
from mlbench.errors import MlbenchError, NotARunError
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.widgets.timeline import Timeline

WAIT_S = 60


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("mlbench-")]


def until(holds: Callable[[], object]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end_s, "does not hold"
        time.sleep(0.02)


def head(frame: bytes) -> tuple[int, int, int, float]:
    """Sequence, first bin, bins, and edge of a frame of samples."""
    _, _, sequence, first, count, _, _, edge = struct.unpack_from("<4sIIiIIdd", frame)
    return sequence, first, count, edge


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finished(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Run]:
    run = start(bench(30), tmp_path)
    yield run
    run.stop()
    run.wait(WAIT_S)


# -- a run that has ended ----------------------------------------------------------------


def test_a_run_that_has_ended_is_there_at_once_and_leaves_no_thread(ended: Run) -> None:
    timeline = Timeline(ended.path)
    until(lambda: not threads())
    assert {"host_cpu_busy", "cpu_time"} <= set(timeline.lanes)
    assert timeline.scene["verdict"] == "VALID"
    assert timeline.scene["marks"][-1]["text"] == "done, VALID"
    assert [each["name"] for each in timeline.scene["pipelines"]] == ["search", "train <i>"]
    _, _, count, edge = head(timeline.frame)
    assert count > 100
    assert edge > 1.4
    timeline.close()


def test_every_lane_says_where_its_numbers_come_from(ended: Run, tmp_path: Path) -> None:
    made = with_samples(ended, tmp_path / "made", np.full(200, 80.0))
    (lane,) = Timeline(made).scene["lanes"]
    assert (lane["unit"], lane["source"], lane["period"]) == ("W", "stand-in", 0.05)
    assert lane["stand_in"]


def test_a_zoom_gives_finer_bins_of_what_is_in_the_window(ended: Run, tmp_path: Path) -> None:
    made = with_samples(ended, tmp_path / "long", np.arange(20 * 600, dtype=np.float64))
    timeline = Timeline(made)
    until(lambda: not threads())
    before = head(timeline.frame)
    timeline.zoom(300, 310)
    after = head(timeline.frame)
    width = struct.unpack_from("<d", timeline.frame, 24)[0]
    assert after[0] == before[0] + 1
    assert width == pytest.approx(0.02)
    assert after[1] * width <= 300
    assert (after[1] + after[2]) * width >= 310


def test_a_long_run_is_read_in_parts_and_shown_to_its_end(
    ended: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlbench.widgets.timeline.trace.ROWS_AT_ONCE", 100)
    made = with_samples(ended, tmp_path / "parts", np.full(1000, 80.0), batches=10)
    timeline = Timeline(made)
    until(lambda: not threads())
    _, first, count, _ = head(timeline.frame)
    mean = np.frombuffer(timeline.frame, "<f4", count, 44)
    last = np.flatnonzero(np.isfinite(mean))[-1] + first
    assert last * struct.unpack_from("<d", timeline.frame, 24)[0] == pytest.approx(49.95, abs=0.1)


def test_a_recording_has_lanes_and_no_stages(tmp_path: Path) -> None:
    recorded = start(
        Benchmark.model_validate({"name": "monitor", "stop": {"seconds": 1}}), tmp_path
    )
    timeline = Timeline(recorded.wait(WAIT_S))
    assert timeline.scene["pipelines"] == []
    assert timeline.scene["verdict"] is None
    assert "host_cpu_busy" in timeline.lanes
    assert len(timeline.select(0, 1).metrics()) > 0


def test_lanes_are_chosen_by_name_and_a_wrong_one_is_named(ended: Run) -> None:
    assert Timeline(ended, lanes=["host_cpu_steal"]).lanes == ["host_cpu_steal"]
    with pytest.raises(MlbenchError, match="did you mean 'host_cpu_busy'"):
        Timeline(ended, lanes=["host_cpu_bsy"])
    with pytest.raises(NotARunError):
        Timeline(ended.path.parent)


# -- a run that goes on ------------------------------------------------------------------


def test_a_live_run_grows_until_it_ends_and_the_thread_with_it(live: Run) -> None:
    timeline = Timeline(live)
    until(lambda: timeline.frame and head(timeline.tail)[3] > 1)
    sequences = {head(timeline.frame)[0]}
    edge = head(timeline.tail)[3]
    until(lambda: head(timeline.tail)[3] > edge + 1)
    sequences.add(head(timeline.frame)[0])
    assert len(sequences) <= 3  # a second adds to the tail, and is not sent whole again and again
    live.stop()
    until(lambda: not threads())
    assert timeline.scene["status"] == "stopped"
    assert not timeline.scene["going"]
    assert timeline.scene["verdict"] == "INVALID"


def test_a_timeline_that_is_closed_leaves_no_thread_and_the_run_goes_on(live: Run) -> None:
    timeline = Timeline(live)
    assert len(threads()) == 1
    timeline.close()
    assert threads() == []
    assert live.is_going


def test_the_stop_of_the_browser_stops_the_run(live: Run) -> None:
    timeline = Timeline(mlbench.open_run(live.path))
    timeline.stop_asked = True
    assert timeline.stop_heard
    assert live.wait(WAIT_S).status == "stopped"


# -- what was brushed --------------------------------------------------------------------


def test_nothing_is_selected_before_something_is_brushed(ended: Run) -> None:
    assert Timeline(ended).selection is None


def test_a_selection_has_the_tables_of_its_stretch(ended: Run) -> None:
    timeline = Timeline(ended)
    timeline.brushed = [1.0, 0.5]
    chosen = timeline.selection
    assert chosen is not None
    assert (chosen.start, chosen.end) == (0.5, 1.0)
    queries, every = chosen.queries(), ended.queries()
    inside = (every["due"] <= chosen.end_ns) & (every["done"] >= chosen.begin_ns)
    assert 0 < len(queries) == inside.sum() < len(every)
    stages = chosen.stages().set_index(["pipeline", "stage"])
    assert stages.loc[("train <i>", "rest"), "service_p50_ms"] > 10
    assert 0 < stages.loc[("train <i>", "rest"), "busy_s"] <= 0.5


def test_the_mean_of_a_metric_is_that_of_the_stretch(ended: Run, tmp_path: Path) -> None:
    values = np.where(np.arange(200) < 100, 50.0, 150.0)
    timeline = Timeline(with_samples(ended, tmp_path / "steps", values))
    (row,) = timeline.select(2.0, 4.0).metrics().to_dict("records")
    assert (row["metric"], row["device"], row["unit"]) == ("gpu_power_instant", "gpu0", "W")
    assert (row["mean"], row["low"], row["high"]) == (50, 50, 50)
    (row,) = timeline.select(4.0, 6.0).metrics().to_dict("records")
    assert row["mean"] == pytest.approx(100, abs=3)


# -- where no widget can be --------------------------------------------------------------


def test_a_saved_notebook_has_a_picture_a_table_and_text(ended: Run) -> None:
    bundle, _ = Timeline(ended)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["image/png"].startswith("iVBOR")
    assert "two &lt;b&gt;pipelines" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert bundle["text/plain"].startswith("Timeline(Run(")
