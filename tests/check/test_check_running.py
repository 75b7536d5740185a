"""How a pipeline is run: execution, stop rules, and what the machine has."""

from __future__ import annotations

import pytest

from mlbench.check import Hardware, problems
from mlbench.check.hardware import HERE, ranges
from mlbench.spec import Benchmark

pytestmark = pytest.mark.unit

NO_GPU = Hardware(gpu_count=lambda: 0, processors=lambda: frozenset({0, 1}))
FOUR_GPUS = Hardware(gpu_count=lambda: 4, processors=lambda: frozenset({0, 1, 2, 6}))


def unasked() -> int:
    raise AssertionError("nobody named a GPU")


class TestSerialExecution:
    def test_has_one_query_in_flight(self, told):
        assert told({"a": {}}, load={"closed": {"concurrency": 2}}) == [
            "load.closed: serial execution has one query in flight, not 2 "
            "(set execution: pipelined)"
        ]

    @pytest.mark.parametrize(
        ("key", "value"), [("batch", {"size": 2}), ("workers", 2), ("queue", 8)]
    )
    def test_has_no_queues(self, told, key, value):
        assert told({"a": {key: value}}) == [
            f"stages.a.{key}: has no effect in serial execution (set execution: pipelined)"
        ]

    def test_takes_defaults_that_are_written_out(self, told):
        assert told({"a": {"workers": 1, "queue": 64, "batch": None}}) == []

    def test_pipelined_execution_has_both(self, told):
        load = {"closed": {"concurrency": 2}}
        assert told({"a": {"workers": 2, "queue": 8}}, load=load, execution="pipelined") == []


def test_a_minimum_is_not_above_its_maximum(told):
    assert told({"a": {}}, stop={"min_seconds": 30, "max_seconds": 10}) == [
        "stop.min_seconds: 30 is above max_seconds, which is 10"
    ]
    bench = Benchmark(name="b", stop={"queries": 5, "min_queries": 6})
    assert [str(problem) for problem in problems(bench)] == [
        "stop.min_queries: 6 is above queries, which is 5"
    ]


@pytest.mark.parametrize(("wait_ms", "limit_s", "wrong"), [(999, 1, 0), (1000, 1, 1), (2000, 3, 0)])
def test_a_batch_is_not_gathered_for_longer_than_a_query_may_take(wait_ms, limit_s, wrong):
    stage = {"uses": "synthetic.noop", "batch": {"size": 4, "max_wait_ms": wait_ms}}
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "execution": "pipelined",
        "stages": {"a": stage},
    }
    bench = Benchmark(name="b", pipelines={"p": pipeline}, timeouts={"query": limit_s})
    told = [str(problem) for problem in problems(bench) if "max_wait_ms" in problem.path]
    said = (
        "pipelines.p.stages.a.batch.max_wait_ms: a query that waits so long has timed out after "
        "1 s (wait less, or set timeouts: {query: ...}, in seconds)"
    )
    assert told == [said] * wrong


class TestPlacement:
    @pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
    def test_a_gpu_that_is_there_is_had(self, told, device):
        assert told({"a": {}}, hardware=FOUR_GPUS, place={"device": device}) == []

    def test_a_gpu_that_is_not_there(self, told):
        assert told({"a": {}}, hardware=FOUR_GPUS, place={"device": "cuda:4"}) == [
            "place.device: there is no 'cuda:4' (this machine has cuda:0 to cuda:3)"
        ]
        assert told({"a": {}}, hardware=NO_GPU, place={"device": "cuda"}) == [
            "place.device: there is no GPU for 'cuda' (write device: cpu or auto)"
        ]

    def test_the_driver_is_asked_only_for_a_gpu(self, told):
        careful = Hardware(gpu_count=unasked, processors=unasked)  # type: ignore[arg-type]
        assert told({"a": {}}, hardware=careful, place={"device": "auto"}) == []

    def test_processors_that_the_process_may_not_use(self, told):
        assert told({"a": {}}, hardware=FOUR_GPUS, place={"cpus": [0, 3]}) == [
            "place.cpus.1: this process may not use processor 3 (it may use: 0-2,6)"
        ]

    def test_more_threads_than_processors(self, told):
        assert told({"a": {}}, place={"threads": 3}) == [
            "place.threads: 3 threads would spin on 2 processors (at most 2)"
        ]
        assert told({"a": {}}, place={"cpus": [1], "threads": 2}) == [
            "place.threads: 2 threads would spin on 1 processor (at most 1)"
        ]

    def test_an_unknown_way_to_share(self, told):
        (problem,) = told({"a": {}}, place={"sharing": {"mpss": {}}})
        assert problem.startswith("place.sharing.mpss: 'mpss' is no registered placement method")

    def test_a_way_to_share_that_is_none(self, told):
        name = "mlbench.loads.closed:Closed"
        assert told({"a": {}}, place={"sharing": {name: {}}}) == [
            f"place.sharing.{name}: {name!r} is no placement method"
        ]

    def test_this_machine_has_a_processor(self):
        assert HERE.processors()

    def test_processors_are_written_as_linux_does(self):
        assert ranges(frozenset({6, 0, 1, 2})) == "0-2,6"
