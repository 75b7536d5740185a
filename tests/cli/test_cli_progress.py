"""Progress: what is counted, what a terminal shows, what a log file gets."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace

import pytest

from mlbench.cli.bars import Bars
from mlbench.cli.page import Page
from mlbench.cli.progress import STOPPING, Lines, Moment
from mlbench.cli.tally import Histogram, Tallies, Tally
from mlbench.spec import Stop


def moment(status="running", phase="load", stopping=False, **tallies):
    """Pipelines that are two seconds into a load of eight."""
    now = time.monotonic_ns()
    entry = {"status": status, "reason": None, "load": {"end_ns": now}}
    tallies = tallies or {"a": Tally(sent=200, ended=190, done=188, failed=2)}
    manifest = {
        "status": phase,
        "barrier_ns": now - 2_000_000_000,
        "phases": [{"name": "setup", "start_ns": now}, {"name": phase, "start_ns": now}],
        "pipelines": dict.fromkeys(tallies, entry),
    }
    return Moment(manifest, tallies, dict.fromkeys(tallies, Stop(seconds=8)), stopping)


def drawn(*moments, width=80):
    output = io.StringIO()
    page = Page(file=output, force_terminal=True, width=width, height=40, color_system=None)
    with Bars(page) as bars:
        for each in moments:
            bars.show(each)
    return output.getvalue()


@pytest.mark.unit
def test_a_bar_shows_phase_time_left_rate_and_counts():
    text = drawn(moment())

    for part in ("load", "6.0 s left", "94.0", "188", "2"):
        assert part in text


@pytest.mark.unit
@pytest.mark.parametrize("width", [80, 100])
def test_lines_leave_room_for_an_echoed_interrupt(width):
    tallies = {"a name that is much too long for a line": Tally(1234567, 1234567, 1234567, 99)}

    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "\n", drawn(moment(**tallies), width=width))

    assert max(len(line) for line in text.splitlines()) == width - 3


@pytest.mark.unit
def test_a_drain_says_how_many_are_to_go():
    assert "10 to go" in drawn(moment(phase="drain"))


@pytest.mark.unit
def test_stopping_is_said():
    assert STOPPING in drawn(moment(stopping=True, status="done"))


@pytest.mark.unit
def test_while_it_stops_it_says_what_it_waits_for():
    pipelines = dict.fromkeys("abcde", Tally())
    stopping = replace(moment(phase="setup", stopping=True, **pipelines), grace_s=5)

    assert "stopping: up to 5 s for a, b, c and 2 more to be opened; press" in drawn(
        stopping, width=120
    )


@pytest.mark.unit
def test_a_log_file_gets_each_phase_once():
    output = io.StringIO()
    lines = Lines(Page(file=output, width=80))

    for each in (moment(phase="warm-up"), moment(), moment(), moment(status="done")):
        lines.show(each)

    assert output.getvalue().splitlines() == [
        "setup",
        "warm-up",
        "load",
        "a: done",
    ]


@pytest.mark.unit
def test_of_pipelines_that_ended_at_once_the_one_that_failed_is_told_first():
    output = io.StringIO()
    both = moment("stopped", "failed", other=Tally(), broken=Tally())
    entries = dict(both.manifest["pipelines"])
    entries["broken"] = {**entries["broken"], "status": "failed", "reason": "no weights here"}
    manifest = {**both.manifest, "pipelines": entries}

    Lines(Page(file=output, width=80)).show(replace(both, manifest=manifest))

    assert output.getvalue().splitlines()[-2:] == [
        "broken: failed: no weights here",
        "other: stopped",
    ]


@pytest.mark.unit
def test_the_quantile_of_a_histogram_is_right_to_a_bin():
    import numpy as np

    histogram = Histogram()
    histogram.add(np.full(990, 1_000))
    histogram.add(np.full(10, 5_000_000))

    assert histogram.quantile_ms(0.5) == pytest.approx(0.001, rel=0.1)
    assert histogram.quantile_ms(0.995) == pytest.approx(5, rel=0.1)
    assert Histogram().quantile_ms(0.99) is None


def test_tallies_count_every_batch_once(done):
    tallies = Tallies(done)

    tallies.update(done.manifest)
    tallies.update(done.manifest)

    counted = {key: (tally.done, tally.failed) for key, tally in tallies.of.items()}
    assert counted == {"[red]x": (40, 0), "flaky": (30, 10)}
