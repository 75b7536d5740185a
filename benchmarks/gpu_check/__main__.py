"""``python -m benchmarks.gpu_check [FOLDER]``: look at what a real GPU does, in eight minutes.

It writes ``report.json`` and ``report.md`` beside its recordings, small runs that serve as
test data, and keeps what it found out about the power sensor for runs to come. Without a GPU
it says so in one line, with exit status 2. Over a stand-in for NVIDIA's library the parts
that only ask it are made, and are labelled as what they are.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.cadence import cadence
from benchmarks.gpu_check.calls import call_costs
from benchmarks.gpu_check.counters import gpm_metrics
from benchmarks.gpu_check.part import Outcome, Part, Site, carried_out
from benchmarks.gpu_check.report import document, written
from benchmarks.gpu_check.runs import dials, observer, placements, tokens
from benchmarks.gpu_check.sensor import power_sensor

NO_GPU = 2
IDLE_S = 2.0


def main() -> int:
    """Make all parts, in the order of what one would miss the most."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/gpu-check")
    with _site(folder) as site:
        if isinstance(site, str):
            print(f"no GPU to check: {site}", file=sys.stderr)
            return NO_GPU
        folder.mkdir(parents=True, exist_ok=True)
        outcomes: list[Outcome] = []
        for outcome in carried_out(PARTS, site):
            told = outcome.reason or f"{outcome.seconds:.1f} s"
            print(f"{outcome.name}: {told}", flush=True)
            outcomes.append(outcome)
        for path in written(document(site, outcomes), folder):
            print(path)
    return 0


def _rows_when_idle(site: Site) -> dict[str, Any]:
    end_s = time.monotonic() + IDLE_S
    return cadence(site, lambda: time.monotonic() < end_s)


PARTS = (
    Part("cost of NVML calls", call_costs),
    Part("GPM metrics", gpm_metrics),
    Part("process rows when nothing was started", _rows_when_idle),
    Part("power sensor", power_sensor, computes=True),
    Part("two tenants by placement", placements, computes=True),
    Part("dials of the antagonists", dials, computes=True),
    Part("tokens", tokens, computes=True),
    Part("observer effect", observer, computes=True),
)


@contextmanager
def _site(folder: Path) -> Iterator[Site | str]:
    """The first GPU, or why there is none."""
    try:
        CDLL("libnvidia-ml.so.1")
        import pynvml
    except (OSError, ImportError) as error:
        yield f"{error}"
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        yield f"{error}: nvidia-smi shows whether NVIDIA's driver works"
        return
    try:
        yield _first(pynvml, folder)
    finally:
        pynvml.nvmlShutdown()


def _first(nvml: Any, folder: Path) -> Site | str:  # Any: pynvml has no types
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(0)
        site = Site(
            nvml, handle, nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle),
            nvml.nvmlSystemGetDriverVersion(), None, folder,
        )  # fmt: skip
    except nvml.NVMLError as error:
        return f"NVML opens none: {error}"
    reason = "over a stand-in there is nothing to compute on" if site.is_stand_in else _no_cuda()
    return Site(nvml, handle, site.uuid, site.model, site.driver, reason, folder)


def _no_cuda() -> str | None:
    import torch

    if torch.cuda.is_available():
        return None
    return f"torch {torch.__version__} does not see the GPU: install a build for CUDA"


if __name__ == "__main__":
    sys.exit(main())
