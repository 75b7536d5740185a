"""What identifies an execution besides its parameters: sources, versions, the commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from mlbench import __version__

__all__ = ["commit_of", "differences", "versions_of"]

GIT_S = 10.0


def commit_of(folder: Path) -> dict[str, Any]:  # Any: JSON
    """The commit of the repository that holds a folder, and whether files of it are changed.

    Both are null outside of a repository, and without git.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": None}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  (git, with words of ours)
            ["git", "-C", str(folder), *arguments],  # noqa: S607  (the user's own git)
            capture_output=True,
            text=True,
            timeout=GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def versions_of(folder: Path, source: str, code: dict[str, str]) -> dict[str, Any]:  # Any: JSON
    """What all points of a sweep have in common.

    Parameters
    ----------
    folder
        Where the target's file stands.
    source
        Hash of the file that is executed.
    code
        Hashes of the modules that it names.
    """
    return {
        "source": source,
        "code": code,
        "mlbench": __version__,
        "commit": commit_of(folder)["commit"],
    }


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:  # Any: JSON
    """In words, what differs between the versions of a sweep's points and those of now."""
    found = []
    if then.get("mlbench") != now["mlbench"]:
        found.append(f"mlbench {then.get('mlbench')} made them, and this is {now['mlbench']}")
    if then.get("commit") != now["commit"]:
        found.append(f"the commit was {_short(then.get('commit'))}, and is {_short(now['commit'])}")
    if then.get("source") != now["source"]:
        found.append("the file that they execute has changed")
    for name, sha256 in (then.get("code") or {}).items():
        if name in now["code"] and now["code"][name] != sha256:
            found.append(f"the code of {name} has changed")
    return found


def _short(commit: object) -> str:
    return str(commit)[:10] if commit else "none"
