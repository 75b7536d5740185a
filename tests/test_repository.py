"""What stands around the code: packaging, examples, and the documents that people copy from."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, metadata, version
from inspect import getdoc
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from click import Context
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import mlbench
from mlbench.check import check_file
from mlbench.cli import commands

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md"]
FOLDERS = ("benchmarks", "examples", "mlbench", "notebooks", "tests", "widgets")
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))


def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def requirements(*extras: str) -> list[str]:
    """What the project requires, with that of its extras; not itself."""
    table = project()
    optional = [line for extra in extras for line in table["optional-dependencies"][extra]]
    lines = [line for line in [*table["dependencies"], *optional] if "mlbench[" not in line]
    return list(dict.fromkeys(lines))


def _extras() -> list[str]:
    """The extras that a user may want: all but those for work on mlbench itself."""
    return sorted(set(project()["optional-dependencies"]) - {"bench", "dev"})


def pins() -> dict[str, Requirement]:
    """The lines of constraints.txt by package."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in found}


def pinned(pin: Requirement) -> str:
    """The one version that a line of constraints.txt allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


# -- packaging ---------------------------------------------------------------------------


def test_the_installed_version_is_that_of_the_code() -> None:
    assert version("mlbench") == mlbench.__version__, (
        "install again: touch pyproject.toml; make env"
    )


def test_the_licence_is_apache_2() -> None:
    assert project()["license"] == "Apache-2.0"
    first_lines = (ROOT / "LICENSE").read_text().split(maxsplit=4)[:4]
    assert first_lines == ["Apache", "License", "Version", "2.0,"]


def test_the_environment_of_conda_is_that_of_pip() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (by_pip,) = (entry["pip"] for entry in environment if isinstance(entry, dict))
    assert [line for line in by_pip if not line.startswith("--")] == requirements(*_extras())


def test_the_environment_of_conda_has_a_python_that_the_project_takes() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (python,) = (line for line in environment if str(line).startswith("python="))
    assert Requirement(f"python{project()['requires-python']}").specifier.contains(python[7:])


def test_every_requirement_is_pinned_inside_its_bounds() -> None:
    for line in requirements(*_extras(), "bench", "dev"):
        required = Requirement(line)
        pin = pins()[canonicalize_name(required.name)]
        assert required.specifier.contains(pinned(pin)), f"{line}: pinned is {pin}"


def test_torch_is_pinned_to_the_build_that_installs_everywhere() -> None:
    assert pinned(pins()["torch"]) == "2.13.0"
    assert "torchvision" not in pins()


def test_a_pin_that_needs_a_later_python_says_so() -> None:
    unmarked = [pin.name for pin in pins().values() if pin.marker is None and _is_too_new(pin)]
    assert unmarked == []


def _is_too_new(pin: Requirement) -> bool:
    """Whether the pinned version does not install on Python 3.10; false if it is not here."""
    try:
        found = metadata(pin.name)
    except PackageNotFoundError:
        return False
    if Version(found["Version"]).public != pinned(pin) or "Requires-Python" not in found:
        return False
    return not Requirement(f"python{found['Requires-Python']}").specifier.contains("3.10.99")


def test_every_registered_name_resolves_and_says_what_it_is() -> None:
    ours = [
        entry
        for group in ("stages", "loads", "probes", "placements")
        for entry in entry_points(group=f"mlbench.{group}")
        if entry.dist is not None and entry.dist.name == "mlbench"
    ]
    tables = project()["entry-points"]
    assert {entry.name for entry in ours} == {name for table in tables.values() for name in table}
    assert [entry.name for entry in ours if not getdoc(entry.load())] == []


# -- examples and documents --------------------------------------------------------------


def blocks(language: str, *documents: Path) -> Iterator[str]:
    """The fenced blocks of a language."""
    for document in documents or DOCUMENTS:
        yield from re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.M | re.S)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_passes_the_check(path: Path) -> None:
    _, problems = check_file(path)
    assert problems == []


def test_the_specs_of_the_readme_pass_the_check(tmp_path: Path) -> None:
    specs = [block for block in blocks("yaml", README) if "pipelines:" in block]
    assert specs
    for number, text in enumerate(specs):
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        _, problems = check_file(path)
        assert problems == []


def test_the_code_of_the_documents_compiles_and_uses_names_that_there_are() -> None:
    for code in blocks("python"):
        compile(code, "a document", "exec")
        names = set(re.findall(r"\bmb\.(\w+)", code))
        assert names <= set(mlbench.__all__)


def test_the_stage_and_the_data_of_the_readme_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    code = "\n".join(block for block in blocks("python", README) if "mb.start(" not in block)
    module = ModuleType("my_module")
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, "my_module", module)
    uses = re.findall(r'(\{uses: "my_module:[^`]*\})`', README.read_text())
    (shout,) = (use for use in uses if "shout" in use)
    (lines,) = (use for use in uses if "Lines" in use)
    spec = tmp_path / "spec.yml"
    spec.write_text(
        "name: mine\npipelines:\n"
        f"  a: {{data: {{uses: synthetic.items}}, stages: {{end: {shout}}}}}\n"
        f"  b: {{data: {lines}, stages: {{end: {{uses: synthetic.noop}}}}}}\n"
    )
    assert check_file(spec)[1] == []
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    with module.Lines(path=str(tmp_path / "notes.txt")).open(mlbench.Context()) as items:
        assert (len(items), items[1]) == (2, "two")


def test_the_commands_of_the_documents_exist() -> None:
    typed = "\n".join(blocks("sh"))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z]+)", typed)) <= targets
    assert set(re.findall(r"\bmlbench ([a-z]+)", typed)) <= set(
        commands.list_commands(Context(commands))
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    named = re.findall(r"\]\(([\w./-]+)\)", text)
    named += re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
