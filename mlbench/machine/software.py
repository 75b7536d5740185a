"""The software that a measurement depends on, read without importing any of it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from mlbench import __version__
from mlbench.machine import kernel
from mlbench.machine.missing import explained

__all__ = [
    "PACKAGES",
    "Git",
    "Software",
    "container",
    "missing_extras",
    "read_git",
    "read_software",
]

PACKAGES = ("torch", "numpy", "pyarrow", "pandas", "pydantic", "cloudpickle", "nvidia-ml-py")

DESCRIBE = (
    *("git", "-c", "core.fsmonitor=false"),  # or the repository's configuration starts a program
    *("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"),
)

MARKERS = {
    ".dockerenv": "docker",
    "run/.containerenv": "podman",
    ".singularity.d": "singularity",
}
"""Files that container runtimes put into the root of what they start."""


@dataclass(frozen=True)
class Git:
    """The commit of a working tree, and whether tracked files differ from it."""

    commit: str | None = None
    dirty: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class Software:
    """Versions. What is null has its reason in ``reasons``.

    Parameters
    ----------
    python, implementation, mlbench
        Versions of the interpreter and of this package, and the interpreter's kind.
    packages
        Versions of the packages that results depend on; null if not installed.
    torch_cuda
        CUDA that torch is built for.
    system, distribution, kernel, libc
        The operating system.
    container
        The container runtime that this process is in; empty if it is in none.
    git
        Of the present directory.
    reasons
        Why a field is null, by its name.
    """

    python: str
    implementation: str
    mlbench: str
    packages: Mapping[str, str | None]
    torch_cuda: str | None
    system: str
    distribution: str | None
    kernel: str
    libc: str | None
    container: str
    git: Git
    reasons: Mapping[str, str] = field(default_factory=dict)


REASONS = {
    "distribution": "the system does not name it",
    "libc": "the interpreter is not linked to one that it knows",
}


def read_software(root: Path = Path("/"), directory: Path = Path()) -> Software:
    """Versions of what is installed, and the commit that ``directory`` is at."""
    torch_cuda, reason = _torch_cuda()
    software = Software(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        mlbench=__version__,
        packages={name: _version(name) for name in PACKAGES},
        torch_cuda=torch_cuda,
        system=platform.system(),
        distribution=_distribution(root),
        kernel=platform.release(),
        libc=" ".join(platform.libc_ver()).strip() or None,
        container=container(root),
        git=read_git(directory),
    )
    return explained(software, {**REASONS, "torch_cuda": reason})


def container(root: Path = Path("/"), environment: Mapping[str, str] | None = None) -> str:
    """The container runtime that this process is in; empty if none shows."""
    variables = os.environ if environment is None else environment
    for file, runtime in MARKERS.items():
        if (root / file).exists():
            return runtime
    if "KUBERNETES_SERVICE_HOST" in variables:
        return "kubernetes"
    groups = kernel.text(root / "proc/self/cgroup") or ""
    found = re.search(r"docker|kubepods|libpod|lxc", groups)
    return variables.get("container", "") or (found[0] if found else "")


def read_git(directory: Path = Path()) -> Git:
    """The commit that ``directory`` is at; untracked files do not make it dirty."""
    variables = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # others may be working in it
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command)
            DESCRIBE,
            cwd=directory,
            env=variables,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except FileNotFoundError:
        return Git(reason="git is not installed")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Git(reason=f"git did not answer: {type(error).__name__}")
    if done.returncode != 0:  # its words name directories, which do not belong in a manifest
        return Git(reason="not in a git repository with a commit that git may read")
    commit, dash, _ = done.stdout.strip().partition("-")
    return Git(commit, bool(dash))


def missing_extras() -> dict[str, tuple[str, ...]]:
    """The optional extras of mlbench, and which of their packages are not installed."""
    try:
        lines = metadata.requires("mlbench") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return {}
    missing: dict[str, list[str]] = {}
    for line in lines:
        found = re.match(r"""([\w.-]+)[^;]*;.*extra *== *['"]([\w-]+)""", line)
        if found:
            absent = missing.setdefault(found[2], [])
            absent.extend([found[1]] if _version(found[1]) is None else [])
    return {extra: tuple(packages) for extra, packages in missing.items()}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _torch_cuda() -> tuple[str | None, str]:
    """CUDA that torch is built for, and why it is null, from a file that its build wrote."""
    try:
        file = Path(str(metadata.distribution("torch").locate_file("torch/version.py")))
    except metadata.PackageNotFoundError:
        return None, "torch is not installed"
    found = re.search(r"^cuda\b.*= *['\"]([\d.]+)['\"]", kernel.text(file) or "", re.MULTILINE)
    return (found[1], "") if found else (None, "this build of torch is for the CPU")


def _distribution(root: Path) -> str | None:
    for line in (kernel.text(root / "etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip("\"'") or None
    return None
