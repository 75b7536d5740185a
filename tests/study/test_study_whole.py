"""A study of real runs: what analysis says of what an engine recorded."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mlbench.analysis.queries import Queries, queries_of
from mlbench.launch import launch
from mlbench.records import Outcome
from mlbench.run import Run
from mlbench.spec import Benchmark, Window
from mlbench.store.kind import STUDY
from mlbench.store.layout import write_json
from mlbench.study.layout import RunEntry, StudyManifest, Treatment, run_directory
from mlbench.study.study import Study

WINDOW = Window(settle=0.2, seconds=2.5)  # a sample every 0.1 s covers 95 % of it at least
TREATMENTS = (
    Treatment(name="alone-rag", pipelines=("rag",), role="isolated"),
    Treatment(name="alone-train", pipelines=("train",), role="isolated"),
    Treatment(name="together", pipelines=("rag", "train"), role="collocated"),
)


def sleeping(seconds: float, **keys: Any) -> dict[str, Any]:
    stages: dict[str, Any] = {
        "first": {"uses": "synthetic.sleep", "with": {"seconds": seconds}, "to": "second"},
        "second": {"uses": "synthetic.sleep", "with": {"seconds": seconds / 2}},
    }
    return {"data": {"uses": "synthetic.items"}, "stages": stages, "outputs": "none", **keys}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two blocks; the machine may be busy, so they are judged mildly."""
    path = tmp_path_factory.mktemp("study")
    bench = Benchmark.model_validate(
        {
            "name": "small",
            "study": {"min_blocks": 2, "repeats": 2},
            "limits": {"harness_share": 1, "lateness_p99_ms": 5000},
            "pipelines": {
                "rag": sleeping(0.004, load={"poisson": {"rate": 100}}, slo={"latency_ms": 50}),
                "train": sleeping(0.01),
            },
        }
    )
    entries = []
    for block in range(2):
        for treatment in TREATMENTS:
            place = run_directory(block, treatment.name, 0)
            (path / place).mkdir(parents=True)
            process = launch(
                bench, path / place, only=treatment.pipelines, block=block, window=WINDOW
            )
            status = Run(path / place, process).wait(60).status
            entries.append(
                RunEntry(
                    block=block, treatment=treatment.name, attempt=0, directory=place, status=status
                )
            )
    manifest = StudyManifest.model_validate(
        {
            "spec": bench,
            "seed": bench.seed,
            "design": {"kind": "group"},
            "repeats": 2,
            "window": WINDOW,
            "treatments": TREATMENTS,
            "runs": entries,
            "status": "done",
        }
    )
    write_json(path / STUDY, manifest.complete())
    return Study(path)


def queries(study: Study, block: int, treatment: str, pipeline: str) -> Queries:
    return queries_of(study.run(block, treatment).record(), pipeline)


def test_the_whole_is_valid_and_its_document_is_json(study: Study) -> None:
    found = study.summary()
    assert (found["verdict"], found["reasons"]) == ("VALID", [])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["pipelines"]["rag"]["rate_limited"]
    assert found["pipelines"]["rag"]["slo"]["attainment"]["isolated"] is not None
    assert found["stp"]["estimate"] > 0
    assert "rag" in study.describe()


def test_arrivals_are_the_same_alone_and_together_and_others_in_another_block(
    study: Study,
) -> None:
    offsets = {}
    for block in range(2):
        for treatment in ("alone-rag", "together"):
            run = study.run(block, treatment)
            found = queries(study, block, treatment, "rag")
            barrier = run.manifest["barrier_ns"]
            offsets[block, treatment] = (found.due[found.measured] - barrier).tolist()
    assert offsets[0, "alone-rag"] == offsets[0, "together"] != offsets[1, "together"]
    assert offsets[1, "alone-rag"] == offsets[1, "together"]


def test_every_query_of_the_window_is_paired(study: Study) -> None:
    frame = study.queries()
    rag = frame[frame["pipeline"] == "rag"]
    for block in range(2):
        measured = int(queries(study, block, "together", "rag").measured.sum())
        assert (rag["block"] == block).sum() == measured


@pytest.mark.parametrize("treatment", ["alone-rag", "together"])
@pytest.mark.parametrize("block", [0, 1])
def test_no_query_waits_less_than_lindley_says(study: Study, block: int, treatment: str) -> None:
    """One server: what a query waits follows from the due and service times before it.

    The recursion has no overhead, so it is a bound from below, for each single query.
    """
    found = queries(study, block, treatment, "rag")
    count = int((found.outcome == Outcome.DONE).sum())  # what the end of the run cut off is last
    sent_ns, service_ns = found.sent[:count].tolist(), found.service_ns[:count].tolist()
    free, waits = 0, []
    for sent, service in zip(sent_ns, service_ns, strict=True):
        begins = max(sent, free)
        waits.append(begins - sent)
        free = begins + service
    assert len(waits) > 50
    assert max(waits) > 0
    assert (found.queueing_ns[:count] >= np.array(waits)).all()


def test_the_added_latency_divides_to_the_nanosecond(study: Study) -> None:
    for block in study.blocks():
        for compared in block.compared.values():
            assert compared.comparison is not None
            added = compared.comparison.added
            assert added is not None
            parts = sum(added.service_ns.values()) + sum(added.queueing_ns.values())
            assert added.lateness_ns + parts + added.unmatched_ns == added.latency_ns
            assert added.unmatched_ns == 0
            assert {"data", "first", "second"} == added.service_ns.keys()


def test_processor_time_is_attributed_with_the_isolated_runs_of_the_same_block(
    study: Study,
) -> None:
    frame = study.attribution(block=1)
    cpu = frame[frame["resource"] == "cpu_s"]
    assert set(cpu["pipeline"].dropna()) >= {"rag", "train"}
    with pytest.raises(KeyError):
        study.attribution(block=7)
