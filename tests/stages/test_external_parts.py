"""Pieces of the external family: commands, environments, lines, and the hook in its program."""

from __future__ import annotations

import ast
import json
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mlbench import hook
from mlbench.hook import GATE, STEPS, Hook
from mlbench.interfaces.stage import Context
from mlbench.stages.external.command import Command
from mlbench.stages.external.progress import Step, from_hook, from_lines
from mlbench.stages.external.steps import Steps
from mlbench.stages.external.surroundings import surroundings

pytestmark = pytest.mark.unit


# -- what is written in a spec -----------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("torchrun 'my train.py' --lr 0.1", ("torchrun", "my train.py", "--lr", "0.1")),
        (["serve", "--port", 80, 0.5], ("serve", "--port", "80", "0.5")),
    ],
)
def test_a_command_is_a_line_or_words(written: object, words: tuple[str, ...]) -> None:
    assert Command.model_validate({"command": written}).command == words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": []}, "command"),
        ({"command": "x", "pattern": "step ("}, "not a regular expression"),
        ({"command": "x", "progress": "line"}, "progress"),
    ],
)
def test_a_program_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Command.model_validate(options)


def test_the_steps_have_no_end() -> None:
    with Steps().open(Context()) as steps:
        assert len(steps) > 1 << 60
        assert steps[1 << 61] == 1 << 61


# -- what a program gets -----------------------------------------------------------------


def test_a_program_with_another_python_does_not_get_our_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "/usr/lib/python311.zip"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*own, str(tmp_path)]))
    assert surroundings(Context(), {})["PYTHONPATH"] == str(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(own))
    assert "PYTHONPATH" not in surroundings(Context(), {})


def test_scripts_of_this_environment_come_first_and_variables_of_the_spec_last() -> None:
    found = surroundings(Context(), {"PYTHONUNBUFFERED": "0"})
    assert found["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert found["PYTHONUNBUFFERED"] == "0"


@pytest.mark.parametrize(
    ("device", "before", "visible"),
    [
        ("cpu", "0,1", ""),
        ("cuda", None, "0"),
        ("cuda:1", None, "1"),
        ("cuda:1", "2,3", "3"),
        ("cuda:0", "MIG-af", "MIG-af"),
    ],
)
def test_a_program_sees_the_gpu_of_its_pipeline_alone(
    monkeypatch: pytest.MonkeyPatch, device: str, before: str | None, visible: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    assert surroundings(Context(device=device), {})["CUDA_VISIBLE_DEVICES"] == visible


# -- what tells a step -------------------------------------------------------------------


def test_a_line_with_the_pattern_is_a_step_with_the_numbers_in_it() -> None:
    parse = from_lines(r"step (?P<step>\d+) loss (?P<loss>\S+)( lr (?P<rate>\S+))?")
    assert parse("loading", 1) is None
    line = "[rank0] step 3 loss 0.5 lr 1e-3"
    assert parse(line, 2) == Step(2, {"step": 3, "loss": 0.5, "rate": 0.001}, line)
    assert parse("step 4 loss high", 3) == Step(3, {"step": 4}, "step 4 loss high")


@pytest.mark.parametrize("line", ["", "nonsense", "[]", '{"t": null}', '{"other": 1}', "3"])
def test_what_the_hook_did_not_write_is_no_step(line: str) -> None:
    assert from_hook(line, 1) is None


# -- the hook, in its program ------------------------------------------------------------


class Pipes:
    """The two pipes that a program with the hook gets, in this process."""

    def __init__(self) -> None:
        self.steps_read, self.steps = os.pipe()
        self.gate, self.gate_write = os.pipe()
        ours = f"/proc/{os.getpid()}/fd"
        self.variables = {STEPS: f"{ours}/{self.steps}", GATE: f"{ours}/{self.gate}"}

    def open_gate(self) -> None:
        os.write(self.gate_write, b"go" * 10)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in os.read(self.steps_read, 1 << 16).splitlines()]

    def close(self) -> None:
        for end in (self.steps_read, self.steps, self.gate, self.gate_write):
            try:
                os.close(end)
            except OSError:
                continue


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def test_outside_of_mlbench_both_calls_do_nothing() -> None:
    lonely = Hook({})
    lonely.ready()
    lonely.step(loss=1)
    hook.ready()
    hook.step()


def test_ready_returns_when_the_gate_opens_and_steps_have_the_time_of_the_call(
    pipes: Pipes,
) -> None:
    there = Hook(pipes.variables)
    waits = threading.Thread(target=there.ready)
    waits.start()
    assert list(pipes.told()[0]) == ["ready"]
    assert waits.is_alive()
    pipes.open_gate()
    waits.join(20)
    there.ready()
    there.step()
    there.step(loss=0.5)
    first, second = pipes.told()
    assert first["t"] < second["t"]
    assert second["values"] == {"loss": 0.5}


def test_the_first_step_stands_for_ready(pipes: Pipes) -> None:
    pipes.open_gate()
    there = Hook(pipes.variables)
    there.step()
    there.step()
    assert [list(message) for message in pipes.told()] == [["ready"], ["t", "values"]]


def test_every_rank_waits_and_one_counts(pipes: Pipes) -> None:
    pipes.open_gate()
    for rank in ("1", "0"):
        there = Hook({**pipes.variables, "RANK": rank})
        there.ready()
        there.step()
    assert [list(message) for message in pipes.told()] == [["ready"], ["t", "values"]]


def test_a_program_goes_on_when_mlbench_has_gone(pipes: Pipes) -> None:
    pipes.open_gate()
    there = Hook(pipes.variables)
    there.ready()
    os.close(pipes.steps_read)
    there.step()
    there.step()
    pipes.close()
    late = Hook(pipes.variables)
    late.ready()
    late.step()


def test_the_hook_is_one_file_for_old_pythons() -> None:
    source = Path(hook.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        node.module.partition(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= set(sys.stdlib_module_names)
