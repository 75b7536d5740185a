"""Where a failure was raised: in the code of whoever wrote the stage, with its line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from json import loads
from pathlib import Path

import pytest
from support import in_both, run

from mlbench.engine.blame import place_of
from mlbench.engine.flow import routed
from mlbench.interfaces.stage import stage

pytestmark = pytest.mark.unit


def raised(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def line_of(function: Callable[..., object], offset: int) -> str:
    return f"test_engine_blame.py:{function.__code__.co_firstlineno + offset}"


def divides() -> float:
    return 1 / 0


def reads() -> object:
    return loads("{")


def test_it_is_the_last_line_of_ones_own():
    assert place_of(raised(divides)) == line_of(divides, 1)


def test_what_a_library_raised_is_where_it_was_called():
    assert place_of(raised(reads)) == line_of(reads, 1)


def test_of_a_stage_that_is_installed_it_is_the_first_line(tmp_path, monkeypatch):
    (tmp_path / "installed.py").write_text("def outer():\n    inner()\ndef inner():\n    1 / 0\n")
    paths = {key: str(tmp_path) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    monkeypatch.setattr("sysconfig.get_paths", lambda: paths)
    monkeypatch.syspath_prepend(tmp_path)
    import installed

    error = raised(installed.outer)
    error.__traceback__ = error.__traceback__.tb_next  # without the frame of this test
    assert place_of(error) == "installed.py:2"


def test_a_cell_of_a_notebook_is_called_so():
    code = compile("def cell():\n    1 / 0", "/tmp/ipykernel_7/123.py", "exec")
    names: dict[str, Callable[[], object]] = {}
    exec(code, names)
    assert place_of(raised(names["cell"])) == "notebook cell:2"


def test_what_the_engine_itself_raised_has_no_place_in_a_stage():
    error = raised(lambda: routed(None, None))
    error.__traceback__ = error.__traceback__.tb_next.tb_next
    assert place_of(error) == ""


def test_the_file_is_named_as_the_import_path_leads_to_it(tmp_path, monkeypatch):
    package = tmp_path / "a_package"
    package.mkdir()
    (package / "within.py").write_text("def divides():\n    1 / 0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    from a_package.within import divides as inner

    assert place_of(raised(inner)) == str(Path("a_package") / "within.py") + ":2"


@in_both
class TestTheErrorOfAQuery:
    def test_ends_with_its_place(self, execution):
        @stage
        def picky(number: int) -> int:
            if number:
                raise ValueError(f"no {number}")
            return number

        error = run({"a": picky}, 2, execution).ended(1).error
        assert error == f"ValueError: no 1 ({line_of(picky, 3)})"

    def test_is_traced_once_for_each_kind(self, execution, capfd):
        @stage
        def picky(number: int) -> int:
            if number % 2:
                raise ValueError(f"no {number}")
            raise KeyError(number)

        run({"a": picky}, 6, execution)
        told = capfd.readouterr().err
        assert told.count("Traceback (most recent call last)") == 2
        assert told.count("the first ValueError here, at query 1:") == 1
        assert "in picky" in told
