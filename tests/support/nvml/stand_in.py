"""Builds the stand-in for NVIDIA's library, and writes its scripts.

``LD_LIBRARY_PATH`` is read when a process starts, so whoever is to meet the stand-in is a
child of one that had its environment from here: a run, or a Python of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["SERIES", "StandIn", "header", "replay", "series", "why_not"]

NAME = "libnvidia-ml.so.1"
HERE = Path(__file__).parent
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations")

SERIES = {
    "gpu_power_instant": ("power", 1.0),
    "gpu_power_average": ("power_average", 1.0),
    "gpu_memory_used": ("memory_used", 1.0),
    "gpu_busy": ("gpu_busy", 1.0),
    "gpu_memory_busy": ("memory_busy", 1.0),
    "gpu_clock_sm": ("sm_clock", 1.0),
    "gpu_clock_memory": ("memory_clock", 1.0),
    "gpu_temperature": ("temperature", 1.0),
    "gpu_clock_reasons": ("clock_reasons", 1.0),
    "gpu_sm_activity": ("sm_activity", 1.0),
    "gpu_sm_occupancy": ("sm_occupancy", 1.0),
    "gpu_tensor_activity": ("tensor", 1.0),
    "gpu_dram_activity": ("dram", 1.0),
    "gpu_context_switching": ("context_switching", 1.0),
}
"""The metrics of a recording, and the words of a script that play them."""


def header() -> Path | None:
    """The folder of NVIDIA's own nvml.h, from the package nvidia-nvml-dev; null without it."""
    spec = find_spec("nvidia")
    for root in spec.submodule_search_locations or () if spec else ():
        for found in sorted(Path(root).glob("**/include/nvml.h")):
            return found.parent
    return None


def why_not() -> str | None:
    """What is missing to build it; null where nothing is."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        return "needs Linux and gcc"
    return None if header() else "needs nvml.h: pip install nvidia-nvml-dev"


def series(points: Iterable[tuple[float, float]]) -> str:
    """Values that hold from their second on, as a script has them.

    Examples
    --------
    >>> series([(0, 80), (1.5, 300)])
    '0:80,1.5:300'
    """
    return ",".join(f"{second:.9g}:{value:.12g}" for second, value in points)


class StandIn:
    """The library, built into a folder.

    Parameters
    ----------
    folder
        Where it and its scripts go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        target = folder / NAME
        sources = [str(HERE / name) for name in ("nvml.c", "script.c")]
        where = [f"-Wl,-soname,{NAME}", f"-I{header()}", "-o", str(target)]
        command = ["gcc", *FLAGS, "-shared", "-fPIC", *where, *sources]
        subprocess.run(command, check=True)

    def environment(self, script: str) -> dict[str, str]:
        """What a process needs in its environment, from its start, to meet it."""
        self._number += 1
        path = self._folder / f"script{self._number}.txt"
        path.write_text(script)
        return {"LD_LIBRARY_PATH": str(self._folder), "MLBENCH_STAND_IN": str(path)}

    def python(self, code: str, script: str) -> str:
        """What a fresh Python prints that runs ``code`` over it."""
        environment = {**os.environ, **self.environment(script)}
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def replay(samples: Any) -> str:  # Any: the DataFrame of Run.samples
    """The script that plays the GPUs of a recording, from its first sample on."""
    frame = samples[samples["metric"].isin(list(SERIES)) & samples["device"].notna()]
    devices = sorted({str(name) for name in frame["device"] if "/" not in str(name)})
    begin_ns = int(frame["end"].min()) if len(frame) else 0
    lines = [f"gpus {len(devices)}"]
    for number, device in enumerate(devices):
        of_device = frame[frame["device"] == device]
        for metric, (word, scale) in SERIES.items():
            rows = of_device[of_device["metric"] == metric].sort_values("end")
            points = [
                ((int(row.start) - begin_ns) / 1e9, row.value * scale) for row in rows.itertuples()
            ]
            if points:
                lines.append(f"gpu {number} {word}={series(points)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from mlbench import open_run

    sys.stdout.write(replay(open_run(sys.argv[1]).samples()))
