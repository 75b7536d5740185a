"""``mlbench lab``: where JupyterLab is opened, and with which notebooks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from mlbench.cli.lab import numbered_notebooks

NAMES = [path.name for path in numbered_notebooks()]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What JupyterLab was started with, instead of starting it."""
    from jupyterlab.labapp import LabApp

    calls: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", calls.append)
    return calls


def test_it_opens_the_current_directory(cli, served, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("lab").exit_code == 0
    assert served == [["-y", str(tmp_path)]]


def test_it_opens_a_directory_and_passes_options_on(cli, served, tmp_path: Path) -> None:
    assert cli("lab", tmp_path, "--", "--no-browser", "--port", "9000").exit_code == 0
    assert served == [["-y", str(tmp_path), "--no-browser", "--port", "9000"]]


def test_options_need_no_directory(cli, served, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("lab", "--", "--port", "9000").exit_code == 0
    assert served == [["-y", str(tmp_path), "--port", "9000"]]


def test_the_notebooks_are_copied_into_a_new_directory(cli, served, tmp_path: Path) -> None:
    place = tmp_path / "a" / "study"
    result = cli("lab", place, "--notebooks")
    assert result.exit_code == 0, result.stderr
    assert NAMES[0] == "01_quick_start.ipynb"
    assert sorted(path.name for path in place.iterdir()) == NAMES
    assert result.stdout.splitlines() == [f"copied  {place / name}" for name in NAMES]


def test_a_notebook_that_is_there_stays_as_it_is(cli, served, tmp_path: Path) -> None:
    mine = tmp_path / NAMES[0]
    mine.write_text("mine")
    result = cli("lab", tmp_path, "--notebooks")
    assert f"kept    {mine}" in result.stdout
    assert mine.read_text() == "mine"


def test_a_directory_that_is_not_there_is_one_message(cli, served, tmp_path: Path) -> None:
    result = cli("lab", tmp_path / "none")
    assert result.exit_code == 2
    assert f"there is no directory {tmp_path}/none" in result.stderr
    assert "--notebooks` makes it" in result.stderr
    assert served == []


def test_a_place_that_cannot_be_written_is_one_message(cli, served, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = cli("lab", tmp_path / "file", "--notebooks")
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/file cannot be written: File exists\n"


def test_without_jupyterlab_it_says_what_to_type(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    result = cli("lab", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.endswith("pip install jupyterlab\n")


def test_ctrl_c_ends_it_without_a_question_and_leaves_nothing(tmp_path: Path) -> None:
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    terminal, stdin = os.openpty()  # on a terminal, Jupyter would ask whether one is sure
    with subprocess.Popen(
        [sys.executable, "-m", "mlbench", "lab", tmp_path, "--",
         "--no-browser", "--ServerApp.port=0", "--ServerApp.allow_root=True",
         "--ServerApp.ip=127.0.0.1"],
        env=os.environ | own, stdin=stdin, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as lab:  # fmt: skip
        heard = list(_lines_to("is running at", lab.stderr))
        os.killpg(lab.pid, signal.SIGINT)
        heard += lab.stderr or ()
        assert lab.wait(20) == 0, "".join(heard)
    os.close(terminal)
    os.close(stdin)
    assert [each for each in psutil.process_iter() if _is_in_session(each, lab.pid)] == []


def _lines_to(end: str, stream: IO[str] | None) -> Iterator[str]:
    """The lines up to one that has ``end`` in it."""
    for line in stream or ():
        yield line
        if end in line:
            return


def _is_in_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session
    except ProcessLookupError:
        return False
