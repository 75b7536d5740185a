"""The environment of a program that a worker starts: its own place, not our Python's."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from mlbench.interfaces.stage import Context

__all__ = ["surroundings"]


def surroundings(context: Context, extra: Mapping[str, str]) -> dict[str, str]:
    """The variables for a program of this pipeline.

    Threads, wait policy and the run's marker are the worker's, processors and niceness are
    inherited anyway. The scripts of the environment that mlbench runs in come first on the
    path; of ``PYTHONPATH`` only what is not this interpreter's own stays, for a program may
    have another Python. Python programs print without a buffer, so that a line is read when
    it is printed. Of GPUs the program sees the one that the pipeline is placed on.

    Parameters
    ----------
    extra
        Variables that come over all others.
    """
    found = dict(os.environ)
    scripts = str(Path(sys.executable).parent)
    found["PATH"] = os.pathsep.join([scripts, found.get("PATH", os.defpath)])
    found["PYTHONUNBUFFERED"] = "1"
    found["CUDA_VISIBLE_DEVICES"] = _visible(context.device, found.get("CUDA_VISIBLE_DEVICES"))
    if kept := _foreign_paths(found.pop("PYTHONPATH", "")):
        found["PYTHONPATH"] = kept
    return {**found, **extra}


def _visible(device: str, visible: str | None) -> str:
    """What a program sees of the GPUs that the worker sees; nothing on a CPU."""
    if not device.startswith("cuda"):
        return ""
    index = int(device.partition(":")[2] or 0)
    known = visible.split(",") if visible else []
    return known[index].strip() if index < len(known) else str(index)


def _foreign_paths(paths: str) -> str:
    own = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    own |= {*site.getsitepackages(), site.getusersitepackages()}
    kept = (
        path
        for path in paths.split(os.pathsep)
        if path and path not in own and not path.endswith((".zip", "lib-dynload"))
    )
    return os.pathsep.join(kept)
