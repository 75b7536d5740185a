"""What the machine does to a run: it stands still, its clock jumps, its disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from runs_support import (
    bench,
    ended,
    going,
    offsets,
    outcomes,
    pipeline,
    processes_of,
    sleep,
    wait_for_rows,
)


def test_a_run_whose_processes_stood_still_for_a_while_is_late_and_complete(
    tmp_path: Path,
) -> None:
    what = bench(
        {"a": pipeline(load={"constant": {"rate": 100}}), "b": pipeline(sleep(0.01))},
        stop={"seconds": 3},
        limits={"lateness_p99_ms": 500},
    )
    with going(what, tmp_path) as run:
        wait_for_rows(run, "a/completions", 3)
        pids = processes_of(run)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(1.5)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 300}
    assert offsets(run, "a") == [number * 10_000_000 for number in range(300)]
    summary = run.summary()
    assert summary["verdict"] == "INVALID"
    assert any("late" in reason for reason in summary["reasons"])


def test_a_wall_clock_that_jumps_moves_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n"
        "_real, _calls = time.time_ns, []\n"
        "def _jumping():\n"
        "    _calls.append(_real())\n"
        "    return _calls[-1] - (3600 * 10**9 if len(_calls) > 1 else 0)\n"
        "time.time_ns = _jumping\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    run = ended(bench({"a": pipeline(load={"poisson": {"rate": 100}})}), tmp_path)
    clock = run.manifest["clock"]
    wall_ns = clock["end"]["realtime_ns"] - clock["begin"]["realtime_ns"]
    steady_ns = clock["end"]["monotonic_ns"] - clock["begin"]["monotonic_ns"]
    assert wall_ns < 0 < steady_ns
    assert run.queries()["due"].is_monotonic_increasing
    assert (run.queries()["latency_ns"] > 0).all()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_the_run_and_leaves_it_readable(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        loaded = pipeline(load={"constant": {"rate": 3000}})  # a batch is far smaller than the disk
        run = ended(bench({"a": loaded}, stop={"seconds": 60}), small)
        assert run.status == "failed"
        assert any("No space left" in reason for reason in run.manifest["reasons"])
        assert outcomes(run, "a")["done"] > 100
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
