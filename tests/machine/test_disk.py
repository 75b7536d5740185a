"""The file system of run directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.disk import read_disk

from .conftest import Plant

pytestmark = pytest.mark.unit


def mount(point: Path, kind: str) -> str:
    written = str(point).replace(" ", "\\040")
    return f"30 25 0:27 / {written} rw,relatime shared:1 - {kind} source rw\n"


def test_the_nearest_mount_point_above_counts(plant: Plant, tmp_path: Path) -> None:
    inner = tmp_path / "with space"
    inner.mkdir()
    lines = mount(Path("/"), "ext4") + mount(inner, "tmpfs") + mount(tmp_path / "with", "nfs4")
    root = plant({"proc/self/mountinfo": lines})
    assert read_disk(inner / "runs" / "new", root).filesystem == "tmpfs"
    assert read_disk(tmp_path, root).filesystem == "ext4"


def test_of_two_mounts_at_one_place_the_later_is_seen(plant: Plant, tmp_path: Path) -> None:
    lines = mount(tmp_path, "ext4") + mount(tmp_path, "xfs")
    assert read_disk(tmp_path, plant({"proc/self/mountinfo": lines})).filesystem == "xfs"


def test_without_a_list_of_mounts_the_space_is_known_still(tmp_path: Path) -> None:
    disk = read_disk(tmp_path / "runs", tmp_path)
    assert disk.filesystem is None
    assert disk.free_bytes is not None
    assert set(disk.reasons) == {"filesystem"}
