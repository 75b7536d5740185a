"""A placement method stands around its own worker, and is taken down when the run has ended."""

from __future__ import annotations

from pathlib import Path

import mlbench


def test_a_placement_method_gives_its_worker_an_environment_and_cleans_up(tmp_path: Path) -> None:
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "stages": {"label": {"uses": "labelled_sharing:label"}},
    }
    method = {"labelled_sharing:Labelled": {"label": "half", "folder": str(tmp_path)}}
    bench = mlbench.Benchmark(
        name="shared",
        stop={"queries": 2},
        pipelines={"with": {**pipeline, "place": {"sharing": method}}, "without": pipeline},
    )

    run = mlbench.start(bench, out=tmp_path / "runs").wait(60)

    assert run.status == "done"
    outputs = run.outputs().groupby("pipeline")["output"].agg(list)
    assert outputs["with"] == ["half on cpu"] * 2
    assert outputs["without"] == [None] * 2
    assert (tmp_path / "up").exists()
    assert (tmp_path / "down").exists()
