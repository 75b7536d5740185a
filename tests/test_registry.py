"""The registry: what one process has found, another one takes without looking again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mlbench.registry import listed, names

pytestmark = pytest.mark.unit

ADOPTS = """
import json, sys
from importlib import metadata
def entry_points(**_): raise AssertionError("looked")
metadata.entry_points = entry_points
from mlbench import registry
registry.adopt(json.load(sys.stdin))
print(registry.find("loads", sys.argv[1]).__name__)
"""


def adopting(entries: list[list[str]], name: str) -> subprocess.CompletedProcess[str]:
    asked, told = [sys.executable, "-c", ADOPTS, name], json.dumps(entries)
    return subprocess.run(asked, input=told, capture_output=True, text=True, check=False)


def test_what_is_listed_has_every_name() -> None:
    assert {name for name, _, group in listed() if group == "mlbench.loads"} == set(names("loads"))


def test_another_process_finds_them_without_looking() -> None:
    assert adopting(listed(), "poisson").stdout == "Poisson\n"


def test_two_of_one_name_are_an_error_there_too() -> None:
    entries = [["mine", f"{module}:Poisson", "mlbench.loads"] for module in ("a", "b")]
    told = adopting(entries, "mine").stderr
    assert "two packages register 'mine' in mlbench.loads: a:Poisson and b:Poisson" in told
