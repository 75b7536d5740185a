"""Damaged study directories: each opens or gives one clear error, and nothing is followed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from mutate import mutate_run
from recorded import Plan, slowed

import mlbench
from mlbench.errors import MlbenchError
from mlbench.store.kind import STUDY

pytestmark = pytest.mark.unit

STUDIES, CHUNKS = 60, 6
SECRET = "do not read this"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study; ``study.json`` stands alone in a folder, so that it is hit as often."""
    path = tmp_path_factory.mktemp("whole")
    Plan(slowed(2, blocks=2)).write(path)
    return path


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_damaged_study_opens_or_says_what_is_wrong(
    chunk: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    for number in range(chunk * STUDIES // CHUNKS, (chunk + 1) * STUDIES // CHUNKS):
        study, random = tmp_path / "study", Random(number)
        shutil.copytree(whole, study)
        done = _damaged(study, outside, random)
        said = _read_all(study, f"seed {number}: {done}")
        assert SECRET not in said, f"seed {number}: {done}"
        shutil.rmtree(study)
    assert not (tmp_path / "executed").exists()


def _damaged(study: Path, outside: Path, random: Random) -> list[str]:
    """One damage anywhere, and half of the time one to ``study.json``."""
    done = [mutate_run(study, outside, random)]
    document = study / STUDY
    if random.random() < 0.5 and document.is_file() and not document.is_symlink():
        alone = outside.parent / "alone"
        alone.mkdir()
        document.rename(alone / STUDY)
        done.append(mutate_run(alone, outside, random))
        if (alone / STUDY).exists() or (alone / STUDY).is_symlink():
            (alone / STUDY).rename(document)
        shutil.rmtree(alone)
    return done


def _read_all(path: Path, label: str) -> str:
    """Everything that can be read of a study, as text; any error but mlbench's own fails."""
    parts: list[object] = []
    try:
        study = mlbench.open_study(path)
    except MlbenchError as error:
        return str(error)
    for name in ("status", "runs", "summary", "describe", "slowdown", "queries", "sensitivity"):
        try:
            value = getattr(study, name)
            parts.append(value() if callable(value) else value)
        except MlbenchError as error:
            parts.append(str(error))
        except Exception as error:
            raise AssertionError(f"{label}: {name}: {type(error).__name__}: {error}") from error
    json.dumps(parts[2], allow_nan=False)
    return str(parts)
