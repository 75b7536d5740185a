"""A user's mistake is one message; a mistake of mlbench is a traceback that says so."""

from __future__ import annotations

import pytest

from mlbench.errors import EngineError, MissingExtraError, NotARunError, Problem, SpecError

pytestmark = pytest.mark.unit


@pytest.fixture
def raising(cli, monkeypatch):
    """Run a command that ends with the given error."""

    def run(error):
        def fail(*_):
            raise error

        monkeypatch.setattr("mlbench.machine.doctor.diagnose", fail)
        return cli("doctor")

    return run


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NotARunError("no run"), 2, "error: no run\n"),
        (EngineError("no engine:\nwhy"), 1, "error: no engine:\n  why\n"),
        (SpecError([Problem(("a", "b"), "is wrong", "write c")]), 2, "error: a.b: is wrong (write"),
        (MissingExtraError("x", "vision", ImportError(name="y")), 2, "error: x needs the package"),
    ],
)
def test_a_mistake_of_the_user_has_no_traceback(raising, error, status, text):
    result = raising(error)

    assert result.exit_code == status
    assert result.stderr.startswith(text)
    assert result.stdout == ""


def test_a_message_with_control_characters_is_printed_as_text(raising):
    assert r"\x07" in raising(NotARunError("bell \x07")).stderr


def test_a_defect_has_a_traceback_and_says_what_it_is(raising):
    result = raising(ZeroDivisionError("oh"))

    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "this is a defect of mlbench" in result.stderr


def test_an_interrupt_ends_with_its_status(raising):
    assert raising(KeyboardInterrupt()).exit_code == 130
