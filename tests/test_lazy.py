"""Lazy names: a package loads what a name needs when it is used, once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.unit


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package with the name ``answer``, which stands in its module ``inner``."""
    folder = tmp_path / "shelf_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from mlbench.lazy import lazily\n"
        "__getattr__, __dir__ = lazily(__name__, {'answer': 'inner'})\n"
    )
    (folder / "inner.py").write_text("answer = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module(folder.name)
    for name in [each for each in sys.modules if each.startswith(folder.name)]:
        del sys.modules[name]


def test_a_name_loads_its_module_when_it_is_used(shelf: ModuleType) -> None:
    assert f"{shelf.__name__}.inner" not in sys.modules
    assert shelf.answer is sys.modules[f"{shelf.__name__}.inner"].answer


def test_a_name_that_was_used_stands_in_the_package(shelf: ModuleType) -> None:
    assert "answer" not in vars(shelf)
    assert shelf.answer is vars(shelf)["answer"]


def test_a_name_is_listed_before_it_is_loaded_and_once_after(shelf: ModuleType) -> None:
    assert "answer" in dir(shelf)
    assert shelf.answer
    assert dir(shelf).count("answer") == 1


def test_an_unknown_name_is_an_attribute_error(shelf: ModuleType) -> None:
    with pytest.raises(AttributeError, match="'shelf_of_a_test' has no attribute 'anser'"):
        _ = shelf.anser


@pytest.mark.parametrize("name", ["collocation", "figures", "sweep"])
def test_the_packages_with_lazy_names_list_and_have_them_all(name: str) -> None:
    package = import_module(f"mlbench.{name}")
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, each) is not None for each in package.__all__)
