"""Where things stand, and JSON files that change all at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbench.store.layout import folder_of, read_json, write_json

pytestmark = pytest.mark.unit

NAMES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), unique=True, max_size=8)


@given(NAMES)
def test_each_pipeline_has_a_folder_of_its_own_below_the_run(names: list[str]) -> None:
    run = Path("/runs/one")
    folders = [folder_of(run, code, name) for code, name in enumerate(names)]
    assert len(set(folders)) == len(names)
    for folder in folders:
        assert folder.parent == run / "pipelines"
        assert folder.resolve() == folder
        assert folder.name.isascii()
        assert not folder.name.startswith(".")


@pytest.mark.parametrize("name", ["rag", "train-2", "a_b", "v1.5", "x_-1"])
def test_a_plain_name_is_the_name_of_its_folder(name: str) -> None:
    assert folder_of(Path("run"), 3, name).name == name


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "f", {"a": [1, None, "☃"]})
    assert read_json(tmp_path / "f") == {"a": [1, None, "☃"]}
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "f", {"old": 1})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "f", {"new": 2})
    assert read_json(tmp_path / "f") == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_what_json_does_not_have_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "f", {"a": float("nan")})
    assert read_json(tmp_path / "f") is None


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": ', "null", "[" * 100_000, "\xff"])
def test_what_is_no_object_is_null(tmp_path: Path, text: str) -> None:
    (tmp_path / "f").write_text(text, encoding="latin-1")
    assert read_json(tmp_path / "f") is None


def test_only_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(json.dumps({"secret": 1}))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = ("link", "dangling", "folder", "pipe", "missing")
    assert [read_json(tmp_path / name) for name in names] == [None] * 5
