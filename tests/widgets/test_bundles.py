"""The bundles: what lies in the package is what its sources give, and it is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "mlbench/widgets/static"


def _widgets() -> list[str]:
    """The folders of widgets/src that become a bundle."""
    return sorted(path.parent.name for path in (ROOT / "widgets/src").glob("*/widget.tsx"))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_bundles_are_what_their_sources_give(node: str, tmp_path: Path) -> None:
    subprocess.run(
        [node, "build.mjs", tmp_path], cwd=ROOT / "widgets", check=True, capture_output=True
    )
    built, kept = _contents(tmp_path), _contents(STATIC)
    assert sorted(built) == sorted(kept), "make widgets"
    assert [name for name in built if built[name] != kept[name]] == [], "make widgets"


@pytest.mark.unit
def test_each_widget_has_a_bundle() -> None:
    assert _widgets()
    assert [name for name in _widgets() if not (STATIC / f"{name}.js").is_file()] == []


@pytest.mark.unit
def test_a_bundle_needs_nothing_else() -> None:
    """No address in it is fetched: it works where there is no network."""
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert "import(" not in text
        assert not any(line.startswith("import ") for line in text.splitlines())


@pytest.mark.unit
def test_no_bundle_knows_where_it_was_built() -> None:
    for path in STATIC.iterdir():
        assert str(ROOT).encode() not in path.read_bytes()


@pytest.mark.unit
def test_the_bundles_are_installed() -> None:
    installed = {
        file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    shipped = {f"mlbench/widgets/static/{name}" for name in _contents(STATIC)}
    assert shipped
    assert shipped <= installed
    assert not any(name.startswith("widgets/") for name in installed)


@pytest.mark.unit
def test_the_notebooks_are_installed() -> None:
    installed = {
        file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    notebooks = {f"mlbench/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks
    assert notebooks <= installed
