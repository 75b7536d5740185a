"""Torch is asked in a process of its own, and may break there."""

from __future__ import annotations

import sys

from mlbench.machine.torch_build import TorchBuild, read_torch


def asked(code: str, timeout_s: float = 20) -> TorchBuild:
    return read_torch(timeout_s, (sys.executable, "-c", code))


def test_an_answer_is_read_from_the_last_line() -> None:
    answer = '{"version": "2.9", "cuda": "13.0", "available": true, "devices": 2}'
    assert asked(f"print('a banner'); print('{answer}')") == TorchBuild("2.9", "13.0", True, 2)


def test_an_import_that_fails_leaves_its_last_line() -> None:
    found = asked("import no_such_torch")
    assert found.version is None
    assert found.problem == "ModuleNotFoundError: No module named 'no_such_torch'"


def test_a_process_that_dies_leaves_its_status() -> None:
    assert "status -9" in asked("import os; os.kill(os.getpid(), 9)").problem


def test_an_import_that_hangs_ends() -> None:
    found = asked("import threading; threading.Event().wait()", timeout_s=0.2)
    assert "more than 0.2 s" in found.problem


def test_nonsense_is_not_an_answer() -> None:
    assert asked("print('hello')").problem
    assert asked("").problem


def test_a_missing_interpreter_is_a_problem_not_an_error() -> None:
    assert "does not start" in read_torch(1, ("/no/such/python",)).problem
