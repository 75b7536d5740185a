"""Whatever graph runs and whatever breaks: the run says so, and accounts for every query once.

Each example is a run on real processes: one or two pipelines of random graphs, and one
fault. Usually one example is drawn for each fault, the same each time;
``MLBENCH_FAULT_EXAMPLES=7`` draws so many new ones.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from any_graph import Plan, entry_first
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from runs_stages import BREAKS
from runs_support import (
    ITEMS,
    bench,
    called,
    eventually,
    going,
    of,
    outcomes,
    process_of,
    processes_of,
    sleep,
    using,
)

from mlbench.cli.page import Page
from mlbench.cli.report import print_report
from mlbench.records import Phase as RunPhase
from mlbench.run import Run, open_run
from mlbench.spec import Benchmark, Window

ASKED = os.environ.get("MLBENCH_FAULT_EXAMPLES")
EXAMPLES = int(ASKED or 1)

SECONDS = 0.4
LONG = {"seconds": 60}
"""The stop rule of a load that only the fault ends."""

TARGET, BESIDE = "target", "beside"
"""The pipeline that the fault is in, where it is in one, and the other."""

IN_A_STAGE = ("raise", "hang", "hold", "kill", "exit", "leave", "interrupt", "segfault")
FAULTS = [
    *((kind, TARGET) for kind in IN_A_STAGE),
    *(("killed", who) for who in ("worker", "driver", "recorder", "sampler", "guardian", "engine")),
    *(("killed while stopping", who) for who in ("worker", "driver", "recorder", "engine")),
    *(("paused", who) for who in ("worker", "driver", "recorder", "sampler", "engine", "everyone")),
    *(("asked to stop", how) for how in ("file", "SIGINT", "SIGTERM")),
]
ENDLESS = ("hang", "hold")
BYSTANDERS = ("guardian", "sampler")
"""Processes that no pipeline needs."""

HARMLESS = ("raise", "paused")


@dataclass(frozen=True)
class Fault:
    """What breaks: a stage at a query, or something from outside after a time."""

    kind: str
    who: str
    after_ms: int | None = None
    """Milliseconds after the load has begun; null as soon as there is a manifest."""

    @property
    def in_a_stage(self) -> bool:
        return self.kind in IN_A_STAGE

    @property
    def ends_the_run(self) -> bool:
        """Whether no pipeline goes on."""
        if self.kind == "killed":
            return self.who in ("driver", "recorder", "engine")
        return self.kind in ("asked to stop", "killed while stopping")


@dataclass(frozen=True)
class Case:
    """A run and its fault."""

    what: Benchmark
    window: Window | None
    fault: Fault


OPEN = st.sampled_from(
    [{"poisson": {"rate": 150}}, {"constant": {"rate": 100}}, {"gamma": {"rate": 150, "cv": 2}}]
)


@st.composite
def pipelines(draw: st.DrawFn, is_open: bool) -> dict[str, Any]:
    """A random graph behind a stage that takes 2 ms, in one of the two executions."""
    pipelined = draw(st.booleans())
    plan = Plan(draw, reordered=pipelined and draw(st.booleans()))
    entry = plan.chain(2, plan.stage("sink"), False)
    assume(len(plan.stages) > 3)
    closed = {"closed": {"concurrency": draw(st.integers(1, 4)) if pipelined else 1}}
    return {
        "data": ITEMS,
        "load": draw(OPEN) if is_open else closed,
        "execution": "pipelined" if pipelined else "serial",
        "warmup": {"queries": draw(st.integers(0, 2))},
        "stages": entry_first({**plan.stages, "pace": sleep(0.002, to=entry)}, "pace"),
    }


@st.composite
def cases(draw: st.DrawFn, kind: str, who: str) -> Case:
    """One or two pipelines, a plain run or a window, and the fault."""
    fault = Fault(kind, who, draw(st.one_of(st.none(), st.integers(0, 250))))
    drawn = {TARGET: draw(pipelines(who == "driver" or draw(st.booleans())))}
    if draw(st.booleans()):
        drawn[BESIDE] = draw(pipelines(draw(st.booleans())))
    if fault.in_a_stage:
        stages = drawn[TARGET]["stages"]
        name = draw(st.sampled_from([n for n, s in stages.items() if s["uses"] == NOOP]))
        options = {"how": kind, "at": draw(st.integers(0, 12))}
        stages[name] |= using("runs_stages:Breaks", options)
    return Case(
        bench(
            _stopping(drawn, fault),
            seed=draw(st.integers(0, 99)),
            timeouts=_timeouts(fault),
            telemetry="on" if who == "sampler" or draw(st.booleans()) else "off",
        ),
        draw(WINDOWS) if fault.in_a_stage or kind == "paused" else None,
        fault,
    )


NOOP = "synthetic.noop"
WINDOWS = st.sampled_from([None, None, Window(settle=0.1, seconds=SECONDS)])


def _stopping(drawn: dict[str, dict[str, Any]], fault: Fault) -> dict[str, dict[str, Any]]:
    """The pipelines with a stop rule: long where the fault must come before its end."""
    short: dict[str, Any] = {"seconds": SECONDS}
    rules = {TARGET: short, BESIDE: short}
    if fault.in_a_stage:
        rules[TARGET] = {"queries": 20}
    elif fault.ends_the_run:
        rules = {TARGET: LONG, BESIDE: LONG}
    elif fault.kind == "killed" and fault.who == "worker":
        rules[TARGET] = LONG
    return {name: {**each, "stop": rules[name]} for name, each in drawn.items()}


def _timeouts(fault: Fault) -> dict[str, float]:
    return {"query": 1.2, "grace": 0.8} if fault.kind in ENDLESS else {}


# -- what is done to a run -----------------------------------------------------------------


def inflict(run: Run, fault: Fault) -> None:
    """Do to a run what a fault from outside says."""
    eventually(lambda: run.status != "starting")
    if fault.after_ms is not None:
        eventually(lambda: run.manifest["barrier_ns"] or not run.is_going)
        time.sleep(fault.after_ms / 1000)
    if fault.kind == "killed" and fault.who in BYSTANDERS:
        for pid in called(run, fault.who):  # the run may have ended without it meanwhile
            os.kill(pid, signal.SIGKILL)
    elif fault.kind == "killed":
        os.kill(process_of(run, _title(fault.who)), signal.SIGKILL)
    elif fault.kind == "killed while stopping":
        _kill_while_stopping(run, process_of(run, _title(fault.who)))
    elif fault.kind == "paused":
        _pause(run, fault.who)
    elif fault.who == "file":
        run.stop()
    else:
        os.kill(run.manifest["engine"]["pid"], signal.Signals[fault.who])


def _title(who: str) -> str:
    return TARGET if who == "worker" else who


def _kill_while_stopping(run: Run, pid: int) -> None:
    run.stop()
    with suppress(ProcessLookupError):  # it was quicker
        os.kill(pid, signal.SIGKILL)


def _pause(run: Run, who: str) -> None:
    """Let processes stand still for a moment; a run that has ended already has none."""
    pids = processes_of(run) if who == "everyone" else called(run, _title(who))
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(0.2)


# -- what has to hold ----------------------------------------------------------------------


def broke(run: Run) -> bool:
    """Whether the stage that breaks came to do it."""
    log = run.path / "pipelines" / TARGET / "stderr.log"
    return log.exists() and BREAKS in log.read_text(errors="replace")


def statuses(case: Case, run: Run) -> set[str]:
    """How the run may say that it ended."""
    fault = case.fault
    if fault.kind == "killed":
        bystander = fault.who in BYSTANDERS
        return {"aborted" if fault.who == "engine" else "done" if bystander else "failed"}
    if fault.kind == "asked to stop":
        return {"stopped"}
    if fault.kind == "killed while stopping":  # it may have had time to end well
        return {"stopped", {"engine": "aborted", "worker": "stopped"}.get(fault.who, "failed")}
    if fault.kind in HARMLESS or not broke(run):
        return {"done"}
    # A query behind the window that hangs holds nothing up that was measured.
    late = case.window is not None and fault.kind in ENDLESS
    return {"failed", "done"} if late else {"failed"}


def assert_accounted_for(run: Run, name: str, fault: Fault) -> None:
    """Each query that was dispatched is there once, and ended in one way."""
    status = run.manifest["pipelines"][name]["status"]
    killed = fault.kind.startswith("killed") or fault.kind in ENDLESS
    answers_all = status in ("done", "stopped") and run.status != "aborted" and not killed
    record, queries = run.record(), of(run.queries(), name)
    rows = record.completed(name).to_pandas()
    answered = list(rows.loc[rows["phase"] == RunPhase.LOAD, "query"])
    dispatched = list(record.dispatched(name).to_pandas()["query"])
    known = list(queries["query"])
    if killed and fault.who == "recorder":  # it took rows with it, those of a query between too
        assert known == sorted(set(known))
    else:
        assert known == list(range(len(known)))
    assert dispatched == list(range(len(dispatched)))
    assert len(set(answered)) == len(answered)
    assert set(known) >= set(dispatched) | set(answered)
    assert sum(outcomes(run, name).values()) == len(known)
    unanswered = set(queries.loc[~queries["query"].isin(answered), "outcome"])
    assert unanswered <= (set() if answers_all else {"lost", "timed_out"})


def assert_undisturbed(run: Run, name: str) -> None:
    """The pipeline ran to its end, for as long as its rule or the window says."""
    entry, load = run.manifest["pipelines"][name], run.manifest["pipelines"][name]["load"]
    assert (entry["status"], entry["reason"]) == ("done", None)
    queries = of(run.queries(), name)
    assert set(queries.loc[queries["measured"], "outcome"]) <= {"done", "failed"}
    assert load["begin_ns"] == run.manifest["barrier_ns"]
    window = run.manifest["window"]
    end_ns = window["end_ns"] if window else load["begin_ns"] + round(SECONDS * 1e9)
    assert load["end_ns"] >= end_ns


def check(case: Case, run: Run) -> None:
    """All that has to hold after whatever it was."""
    fault = case.fault
    assert run.status in statuses(case, run)
    assert set(run.spans()["pipeline"]) <= set(case.what.pipelines)
    summary = run.summary()
    assert json.dumps(summary, allow_nan=False)
    print_report(run, summary, Page(file=StringIO(), width=100))
    log = run.path / "log.jsonl"
    for line in log.read_text().splitlines() if log.exists() else ():
        assert json.loads(line)["event"]
    harmless = fault.kind in HARMLESS or fault.who in BYSTANDERS
    setup_failed = fault.after_ms is None and not fault.in_a_stage and not harmless
    for name in run.manifest["pipelines"]:
        assert_accounted_for(run, name, fault)
        hit = fault.ends_the_run or name == TARGET
        if not hit and not setup_failed:
            assert_undisturbed(run, name)
    if harmless and not fault.in_a_stage:
        assert_undisturbed(run, TARGET)
    if fault.kind == "raise" and broke(run):
        failed = run.queries().loc[lambda frame: frame["outcome"] == "failed", "error"]
        assert failed.str.contains("ValueError: the stage was told to").any()


@pytest.mark.timeout(60 + 10 * EXAMPLES)
@pytest.mark.parametrize(("kind", "who"), FAULTS, ids=map(" ".join, FAULTS))
def test_every_query_is_accounted_for_whatever_breaks(
    tmp_path_factory: pytest.TempPathFactory, kind: str, who: str
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(kind, who))
    def holds(case: Case) -> None:
        out = tmp_path_factory.mktemp("fault")
        with going(case.what, out, window=case.window) as run:
            if not case.fault.in_a_stage:
                inflict(run, case.fault)
        check(case, open_run(run.path))

    if ASKED is None:
        holds = seed(FAULTS.index((kind, who)))(holds)
    holds()
