"""Versions, the container and the commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import mlbench
from mlbench.machine.software import container, missing_extras, read_git, read_software

from .conftest import Plant


@pytest.mark.unit
@pytest.mark.parametrize(
    ("files", "variables", "runtime"),
    [
        ({}, {}, ""),
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({".singularity.d/env": ""}, {}, "singularity"),
        ({"proc/self/cgroup": "0::/system.slice/docker-abc.scope"}, {}, "docker"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({}, {"container": "lxc"}, "lxc"),
    ],
)
def test_a_container_shows_in_files_groups_or_variables(
    plant: Plant, files: dict[str, str], variables: dict[str, str], runtime: str
) -> None:
    assert container(plant(files), variables) == runtime


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit of one file."""
    (tmp_path / "file").write_text("one")
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "file"], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@needs_git
def test_a_commit_is_dirty_when_a_tracked_file_differs(repository: Path) -> None:
    clean = read_git(repository)
    assert clean.commit is not None
    assert (len(clean.commit), clean.dirty) == (40, False)
    (repository / "untracked").write_text("new")
    assert read_git(repository) == clean
    (repository / "file").write_text("two")
    assert read_git(repository).dirty is True
    assert read_git(repository).commit == clean.commit


@needs_git
def test_a_directory_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    git = read_git(tmp_path)
    assert git.commit is None
    assert git.dirty is None
    assert "not in a git repository" in git.reason


@pytest.mark.unit
def test_without_git_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_git(tmp_path).reason == "git is not installed"


def test_versions_are_read_without_importing(plant: Plant, tmp_path: Path) -> None:
    root = plant({"etc/os-release": 'NAME=x\nPRETTY_NAME="Debian 12"\n'})
    software = read_software(root, tmp_path)
    assert software.mlbench == mlbench.__version__
    assert software.packages["torch"] is not None
    assert software.packages["numpy"] is not None
    assert software.distribution == "Debian 12"


@pytest.mark.unit
def test_extras_are_those_that_the_package_declares() -> None:
    assert "vision" in missing_extras()


@pytest.mark.unit
def test_a_package_of_an_extra_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy>=1", "numpy>=1; extra == 'a'", "no-such-thing>=2; extra == 'b'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: lines)
    assert missing_extras() == {"a": (), "b": ("no-such-thing",)}
