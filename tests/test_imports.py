"""Imports beside something that starts: no garbage, no plugins, and others go first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import pytest

from mlbench.imports import BLAS, PLUGINS, gently, importing, without_plugins

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
    with without_plugins():
        assert os.environ[PLUGINS] == (given or "__all__")
    assert os.environ.get(PLUGINS) == given
