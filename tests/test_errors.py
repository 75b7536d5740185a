"""How an error looks to who made a mistake in a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

pytestmark = pytest.mark.unit


@pytest.fixture
def run_cell() -> Callable[[str], object]:
    """Runs a cell as a kernel does, and prints what it shows, without colours."""
    quiet = Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "nocolor"})
    shell: Any = InteractiveShell(config=quiet)  # type: ignore[no-untyped-call]  # Any: no types
    run: Callable[[str], object] = shell.run_cell
    return run


def test_a_mistake_is_its_message_alone(
    run_cell: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    run_cell("import mlbench; mlbench.open_run('no/such/run')")
    said = capsys.readouterr().out
    assert said.startswith("NotARunError: ")
    assert "no/such/run" in said
    assert "Traceback" not in said


def test_a_module_that_does_not_import_shows_its_own_line(
    run_cell: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    run_cell(
        "from mlbench.errors import RegistryError\n"
        "try:\n"
        "    import json.nothing\n"
        "except ImportError as error:\n"
        "    raise RegistryError('json.nothing does not import') from error\n"
    )
    said = capsys.readouterr().out
    assert said.index("ModuleNotFoundError: No module") < said.index("RegistryError: json.nothing")
