"""The rules that hold the package together: who imports whom, and how large things get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import getdoc
from itertools import chain
from pathlib import Path

import pytest

import mlbench

pytestmark = pytest.mark.unit

PACKAGE = Path(mlbench.__file__).parent

LAYERS = (
    ("cli", "__main__"),
    ("widgets",),
    ("sweep",),
    ("figures",),
    ("collocate",),
    ("study",),
    ("run",),
    ("analysis",),
    ("stats",),
    ("launch",),
    ("engine",),
    ("check",),
    ("placements",),
    ("probes",),
    ("stages",),
    ("loads",),
    ("registry",),
    ("stage", "probe", "load", "placement"),
    ("machine",),
    ("store",),
    ("spec",),
    ("records", "errors", "seed"),
)
"""The package, top to bottom: a module imports only from those below it."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

HEAVY = ("altair", "numpy", "pandas", "pyarrow", "pydantic", "rich", "torch")

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path

    @property
    def name(self) -> str:
        """Its place in the package, ``spec/stages.py``."""
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def part(self) -> str:
        """The file or folder right below the package that it belongs to."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and part of every import of mlbench.

        Those inside of functions and under TYPE_CHECKING count like the others: an import
        may be late, but never upwards.
        """
        for node in ast.walk(self.tree):
            for target in _targets(node):
                if target.split(".")[0] == "mlbench":
                    yield node.lineno, (target.split(".") + ["__init__"])[1]


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _targets(node: ast.AST) -> list[str]:
    """The dotted names that a statement imports; of ``from mlbench import x``, ``mlbench.x``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        if node.module == "mlbench":
            return [f"mlbench.{alias.name}" for alias in node.names if alias.name != "__version__"]
        return [node.module or ""]
    return []


MODULES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
LAYERED = [module for module in MODULES if module.part != "__init__"]

every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


# -- who imports whom --------------------------------------------------------------------


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {module.part for module in LAYERED} <= set(RANK)


@pytest.mark.parametrize("module", LAYERED, ids=lambda module: module.name)
def test_a_module_imports_only_from_the_layers_below(module: Module) -> None:
    upwards = [
        f"line {line}: {module.part} imports {part}"
        for line, part in module.imports()
        if part != module.part and RANK.get(part, -1) <= RANK[module.part]
    ]
    assert upwards == []


def test_nobody_imports_the_engine() -> None:
    outside = [module for module in MODULES if module.part != "engine"]
    assert [m.name for m in outside if "engine" in {part for _, part in m.imports()}] == []


def test_importing_mlbench_loads_nothing_heavy() -> None:
    assert _loaded_by("import mlbench", HEAVY) == set()


def test_the_command_line_starts_without_anything_heavy() -> None:
    assert _loaded_by("import mlbench.cli", HEAVY) == set()


def test_reading_a_spec_loads_nothing_that_it_names() -> None:
    example = PACKAGE.parent / "examples/vision_beside_training.yml"
    code = f"import mlbench; mlbench.load({str(example)!r})"
    assert _loaded_by(code, ("torch", "pandas", "pyarrow", "mlbench.stages")) == set()


def _loaded_by(code: str, names: tuple[str, ...]) -> set[str]:
    """Which of the modules ``names`` a fresh interpreter has loaded after ``code``."""
    report = f"{code}\nimport sys\nprint(*(name for name in {names!r} if name in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60
    )
    return set(run.stdout.split())


# -- the public face ---------------------------------------------------------------------


@pytest.mark.parametrize("name", mlbench.__all__)
def test_a_public_name_resolves_and_says_what_it_is(name: str) -> None:
    assert getdoc(getattr(mlbench, name))


def test_public_names_are_listed_once_and_in_order() -> None:
    assert list(mlbench.__all__) == sorted(set(mlbench.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'strat'"):
        _ = mlbench.strat


# -- how a file looks --------------------------------------------------------------------


@every_module
def test_a_module_says_what_it_is(module: Module) -> None:
    assert ast.get_docstring(module.tree)


@every_module
def test_a_module_names_what_it_offers(module: Module) -> None:
    statements = module.tree.body[1:]
    if module.path.name == "__main__.py" or not statements:
        return
    assigned = (s for s in statements if isinstance(s, ast.Assign | ast.AnnAssign))
    targets = chain.from_iterable(ast.walk(s) for s in assigned)
    assert "__all__" in {node.id for node in targets if isinstance(node, ast.Name)}


@every_module
def test_a_file_is_short(module: Module) -> None:
    assert len(module.text.splitlines()) <= MAX_FILE_LINES


@every_module
def test_functions_are_short(module: Module) -> None:
    functions = (node for node in ast.walk(module.tree) if isinstance(node, Function))
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


@every_module
def test_the_library_does_not_print(module: Module) -> None:
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert "print" not in names


@every_module
def test_nothing_is_left_for_later(module: Module) -> None:
    notes = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    assert [line for line in module.text.splitlines() if any(n in line for n in notes)] == []
