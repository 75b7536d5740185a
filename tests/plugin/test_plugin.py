"""A real package that registers by entry point, installed by pip and found by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "example"

FIND_ALL = """
from mlbench.interfaces.load import OpenLoad
from mlbench.interfaces.placement import PlacementMethod
from mlbench.interfaces.probe import Context, Probe
from mlbench.registry import find, names
from mlbench.interfaces.stage import class_of

assert class_of(find("stages", "example.shout"))(marks=2).marks == 2
assert issubclass(find("loads", "example_pair"), OpenLoad)
with find("probes", "example_uptime")().open(Context()) as read:
    assert [reading.metric for reading in read("slow")] == ["uptime"]
with find("placements", "example_polite")().around("cpu") as environment:
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE"}
assert "example.shout" in names("stages") and "synthetic.noop" in names("stages")
"""

CHECK_A_SPEC = """
from mlbench.check import resolve
from mlbench.spec import Benchmark

shout = {"uses": "example.shout", "with": {"marks": 3}}
pipeline = {
    "data": {"uses": "synthetic.items"},
    "load": {"example_pair": {"gap": 0.5}},
    "place": {"sharing": "example_polite"},
    "stages": {"shout": shout},
}
graph = resolve(Benchmark.model_validate({"name": "b", "pipelines": {"p": pipeline}}))["p"]
assert graph.load.gap == 0.5
assert graph.nodes[0].stage.marks == 3
"""

COLLIDE = """
from mlbench.errors import RegistryError
from mlbench.registry import find

try:
    find("stages", "synthetic.noop")
except RegistryError as error:
    print(error)
"""


WHEEL = """
[tool.hatch.build.targets.wheel]
packages = ["mlbench_plugin_example"]

"""


def install(package: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*command, str(package)], check=True, timeout=100)


def python(code: str, *folders: Path) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout


def copy_of(package: Path, to: Path, *changes: tuple[str, str]) -> Path:
    """The package in another folder, its pyproject.toml changed."""
    shutil.copytree(package, to, ignore=shutil.ignore_patterns("__pycache__"))
    text = (to / "pyproject.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (to / "pyproject.toml").write_text(text)
    return to


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    install(copy_of(EXAMPLE, folder / "source"), folder / "site")
    return folder / "site"


def test_its_stage_load_probe_and_placement_are_found_by_name(installed):
    python(FIND_ALL, installed)


def test_a_spec_may_use_them(installed):
    python(CHECK_A_SPEC, installed)


def test_two_packages_with_one_name_are_an_error_that_names_both(installed, tmp_path):
    other = copy_of(
        EXAMPLE,
        tmp_path / "other",
        ('name = "mlbench-plugin-example"', 'name = "mlbench-plugin-other"'),
        ('"example.shout" =', '"synthetic.noop" ='),
        ("[build-system]", f"{WHEEL}[build-system]"),
    )
    install(other, tmp_path / "site")
    said = python(COLLIDE, tmp_path / "site")
    assert "two packages register 'synthetic.noop' in mlbench.stages" in said
    assert "mlbench_plugin_example.shout:shout" in said
    assert "mlbench.stages.synthetic.noop:noop" in said
    assert "rename one of them in its pyproject.toml" in said
