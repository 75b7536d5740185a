"""What the command line says about itself, and that saying it loads next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlbench import __version__

pytestmark = pytest.mark.unit

COMMANDS = ("run", "check", "show", "runs", "stages", "loads", "spec", "doctor")


def test_help_lists_the_commands(cli):
    result = cli("--help")

    assert result.exit_code == 0
    assert [name for name in COMMANDS if f"\n  {name} " in result.stdout] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_examples_and_exit_statuses(cli, name):
    text = cli(name, "--help").stdout

    assert f"mlbench {name}" in text.split("Examples:")[1].split("Exit status:")[0]
    assert "  0  " in text.split("Exit status:")[1]


def test_an_unknown_command_suggests_the_nearest(cli):
    result = cli("chek")

    assert result.exit_code == 2
    assert "did you mean 'check'?" in result.stderr


def test_an_unknown_option_suggests_the_nearest(cli):
    result = cli("show", "--jsn", "somewhere")

    assert result.exit_code == 2
    assert "--json" in result.stderr


def test_a_missing_argument_is_bad_input(cli):
    assert cli("show").exit_code == 2


def test_the_version_is_one_line(cli):
    assert cli("--version").stdout == f"mlbench {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    program = f"""
import sys
from mlbench.cli import commands
try:
    commands({arguments!r})
except SystemExit:
    pass
heavy = ("numpy", "pandas", "pyarrow", "pydantic", "rich", "torch", "yaml")
print([name for name in heavy if name in sys.modules])
"""
    output = subprocess.check_output([sys.executable, "-c", program], text=True)

    assert output.splitlines()[-1] == "[]"
