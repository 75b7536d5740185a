"""The text family in real runs: its examples, what stages share, and memory that runs out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mlbench.interfaces.stage import stage
from mlbench.run import Run, start
from mlbench.spec import Benchmark, load

pytestmark = pytest.mark.timeout(300)  # the first model on a machine is converted

EXAMPLES = Path(__file__).parents[2] / "examples"
QUERIES = 3


@stage
def hungry(number: int) -> int:
    """The number, unless it is even: then memory runs out, as Python or as torch says it."""
    if number % 4 == 0:
        raise MemoryError("no more")
    if number % 4 == 2:
        torch.empty(1 << 60, dtype=torch.uint8)
    return number


def bench() -> Benchmark:
    """Both examples at once, two answers to each query, and a pipeline that wants too much."""
    answer = load(EXAMPLES / "text_generate.yml").pipelines["answer"].plain()
    first = answer["stages"]["generate"]
    first["with"]["max_new_tokens"] = 3
    answer["stages"] = {"draft": {**first, "to": "final"}, "final": first}
    tuned = load(EXAMPLES / "lora.yml").pipelines["finetune"].plain()
    broken = {
        "data": {"uses": "synthetic.items", "with": {"n": 4}},
        "stages": {"eat": {"uses": hungry}},
    }
    stop = {"queries": QUERIES}
    pipelines = {
        "answer": {**answer, "load": {"closed": {"concurrency": 1}}, "stop": stop},
        "finetune": {**tuned, "stop": stop},
        "broken": {**broken, "stop": {"queries": 40}},
    }
    return Benchmark.model_validate({"name": "text", "pipelines": pipelines})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return start(bench(), tmp_path_factory.mktemp("runs")).wait(240)


@pytest.fixture(scope="module")
def pipelines(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = run.summary()["pipelines"]
    return found


def notes(run: Run, pipeline: str) -> list[str]:
    lines = (run.path / "pipelines" / pipeline / "stderr.log").read_text().splitlines()
    return [line for line in lines if line.startswith("note: ")]


def test_every_pipeline_reaches_its_end(pipelines: dict[str, Any]) -> None:
    assert {name: each["status"] for name, each in pipelines.items()} == dict.fromkeys(
        ("answer", "finetune", "broken"), "done"
    )
    assert pipelines["answer"]["outcomes"]["done"] == QUERIES
    assert pipelines["finetune"]["outcomes"]["done"] == QUERIES


def test_a_resource_is_opened_once_for_the_stages_that_name_it(run: Run) -> None:
    (said,) = notes(run, "answer")
    assert "text.model: opened smollm2-135m, 135 million weights of 538 MB on cpu, in" in said


def test_tokens_are_timed(run: Run, pipelines: dict[str, Any]) -> None:
    tokens = pipelines["answer"]["tokens"]
    made = run.events().query("pipeline == 'answer'")["name"].value_counts()
    assert made["first_token"] >= 2 * QUERIES
    assert tokens["stage_ttft_ms"]["mean"] <= tokens["ttft_ms"]["mean"]
    assert 0 < tokens["tpot_ms"]["mean"] < pipelines["answer"]["latency_ms"]["mean"]


def test_training_records_its_loss(run: Run, pipelines: dict[str, Any]) -> None:
    outputs = (run.path / "pipelines/finetune/outputs.jsonl").read_text().splitlines()
    losses = [json.loads(line)["output"]["loss"] for line in outputs]
    assert pipelines["finetune"]["events"]["loss"]["count"] == QUERIES
    assert pipelines["finetune"]["events"]["loss"]["mean"] == pytest.approx(sum(losses) / QUERIES)
    assert [json.loads(line)["output"]["step"] for line in outputs] == [1, 2, 3]


def test_memory_that_runs_out_ends_its_query_and_nothing_else(pipelines: dict[str, Any]) -> None:
    outcomes = pipelines["broken"]["outcomes"]
    assert (outcomes["done"], outcomes["failed"]) == (20, 20)
    said = {failure["error"].partition(":")[0] for failure in pipelines["broken"]["failures"]}
    assert said == {"MemoryError", "RuntimeError"}
