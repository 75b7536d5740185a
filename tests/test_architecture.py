"""The rules that hold the package together: who imports whom, and how large things get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import getdoc, ismodule
from itertools import chain
from pathlib import Path

import pytest

import mlbench

pytestmark = pytest.mark.unit

PACKAGE = Path(mlbench.__file__).parent

LAYERS = (
    ("__main__",),
    ("cli",),
    ("widgets",),
    ("sweep",),
    ("report",),
    ("export",),
    ("figures",),
    ("collocation",),
    ("study",),
    ("run",),
    ("analysis",),
    ("stats",),
    ("launch",),
    ("spawn",),
    ("engine",),
    ("library",),
    ("check",),
    ("placements",),
    ("probes",),
    ("stages",),
    ("loads",),
    ("registry",),
    ("interfaces",),
    ("machine",),
    ("store",),
    ("spec",),
    ("records", "errors", "seed", "hook", "imports", "lazy"),
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
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path)

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def offers(self) -> bool:
        """Whether it names what it offers, or has nothing to offer."""
        return _assigns_all(self.tree) or len(self.tree.body) == 1 or self.path.stem == "__main__"

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and part of every import of mlbench.

        Those inside of functions and under TYPE_CHECKING count like the others: an import
        may be late, but never upwards.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for target in _targets(node):
                    package, *rest = target.split(".")
                    if package == "mlbench":
                        yield node.lineno, rest[0] if rest else "__init__"


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The dotted names that a statement imports; of ``from mlbench import x``, ``mlbench.x``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    if node.module == "mlbench":
        return [f"mlbench.{alias.name}" for alias in node.names if alias.name != "__version__"]
    return [node.module or ""]


MODULES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
LAYERED = [module for module in MODULES if module.part != "__init__"]


# -- who imports whom --------------------------------------------------------------------


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {module.part for module in LAYERED} <= set(RANK)


def test_a_module_imports_only_from_the_layers_below() -> None:
    upwards = [
        f"{module.name}:{line} imports {part}"
        for module in LAYERED
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


def test_who_follows_a_run_into_a_file_counts_nothing() -> None:
    code = "import mlbench.run, mlbench.cli.follow"
    assert _loaded_by(code, ("numpy", "torch", "pandas", "pyarrow")) == set()


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


def test_no_module_has_the_name_of_something_public() -> None:
    """Python binds an imported submodule in its package, over whatever has that name there."""
    parts = {module.part for module in MODULES}
    hidden = parts & set(mlbench.__all__) - {"__init__"}
    assert [name for name in hidden if not ismodule(getattr(mlbench, name))] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'strat'"):
        _ = mlbench.strat


# -- how a file looks --------------------------------------------------------------------


def test_every_module_says_what_it_is() -> None:
    assert [m.name for m in MODULES if not ast.get_docstring(m.tree)] == []


def test_every_module_names_what_it_offers() -> None:
    assert [m.name for m in MODULES if not m.offers()] == []


def test_files_are_short() -> None:
    lengths = {m.name: len(m.lines) for m in MODULES}
    assert {name: n for name, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{module.name}:{function.lineno} {function.name}": _length(function)
        for module in MODULES
        for function in module.functions()
    }
    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


def test_the_library_does_not_print() -> None:
    assert [m.name for m in MODULES if any(map(_prints, ast.walk(m.tree)))] == []


def test_nothing_is_left_for_later() -> None:
    notes = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    lines = ((m.name, line) for m in MODULES for line in m.lines)
    assert [(name, line) for name, line in lines if any(note in line for note in notes)] == []


def _assigns_all(tree: ast.Module) -> bool:
    assigned = (s for s in tree.body if isinstance(s, ast.Assign | ast.AnnAssign))
    nodes = chain.from_iterable(map(ast.walk, assigned))
    return any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes)


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _prints(node: ast.AST) -> bool:
    """Whether it prints on standard output, which belongs to whoever calls the library."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    return node.func.id == "print" and all(word.arg != "file" for word in node.keywords)
