"""Imports beside something that starts: no garbage, no plugins, and others go first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import pytest

from mlbench.imports import BLAS, PLUGINS, environment, gently, importing, without_plugins
from mlbench.spec import Stop

pytestmark = pytest.mark.unit


def test_nothing_is_collected_meanwhile_and_it_is_afterwards() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


def test_numpy_starts_no_threads_and_nobody_else_sees_why() -> None:
    code = (
        "import os\n"
        "from mlbench.imports import importing\n"
        "with importing():\n"
        "    import numpy\n"
        "print(len(os.listdir('/proc/self/task')), 'OPENBLAS_NUM_THREADS' in os.environ)"
    )
    asked = [sys.executable, "-c", code]
    environment = {key: text for key, text in os.environ.items() if key != BLAS}
    told = subprocess.run(asked, capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.split() == ["1", "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority of a thread")
def test_who_is_called_gently_has_a_lower_priority_and_nobody_else() -> None:
    priorities: list[int] = []

    def priority() -> None:
        priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    priority()
    gently(priority)
    priority()
    before, meanwhile, after = priorities
    assert meanwhile > before == after


def test_what_it_raises_is_left_to_who_uses_it() -> None:
    gently(lambda: __import__("no_such_module_here"))


def test_harness_models_are_built_without_plugins_of_pydantic_and_those_of_stages_with() -> None:
    code = (
        "from importlib import metadata\n"
        "looked, entry_points = [], metadata.entry_points\n"
        "metadata.entry_points = lambda **k: looked.append(k) or entry_points(**k)\n"
        "from mlbench.registry import adopt\n"
        "adopt([['closed', 'mlbench.loads.closed:Closed', 'mlbench.loads']])\n"
        "from mlbench.check.find import find_choice\n"
        "from mlbench.interfaces.load import LoadModel\n"
        "from mlbench.spec import Load\n"
        "closed = Load.model_construct(name='closed', options={'concurrency': 2})\n"
        "print(find_choice(closed, 'loads', LoadModel, ()).made.concurrency, looked)\n"
        "from pydantic import BaseModel\n"
        "class Mine(BaseModel): x: int\n"
        "print(looked)"
    )
    asked = [sys.executable, "-c", code]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["2 []", "[{'group': 'pydantic'}]"]


@pytest.mark.parametrize("given", [None, "logfire"])
def test_the_variable_is_as_it_was(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    if given is not None:
        monkeypatch.setenv(PLUGINS, given)
    with without_plugins(object):
        assert os.environ[PLUGINS] == (given or "__all__")
    assert os.environ.get(PLUGINS) == given


def test_blocks_of_several_threads_share_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    first, second = without_plugins(object), without_plugins(object)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.environ[PLUGINS] == "__all__"
    second.__exit__(None, None, None)
    assert PLUGINS not in os.environ


@pytest.mark.parametrize("given", [None, "logfire"])
def test_a_process_started_meanwhile_gets_what_is_given(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    if given is not None:
        monkeypatch.setenv(PLUGINS, given)
    with without_plugins(object):
        assert environment().get(PLUGINS) == given


def test_threads_that_do_this_at_once_neither_leave_it_nor_break_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    raised: list[BaseException] = []

    def often() -> None:
        try:
            for _ in range(500):
                with without_plugins(object):
                    assert PLUGINS not in environment()
        except BaseException as error:
            raised.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert raised == []
    assert PLUGINS not in os.environ


def test_a_model_that_is_built_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    Stop(seconds=1)
    with without_plugins(Stop):
        assert PLUGINS not in os.environ
