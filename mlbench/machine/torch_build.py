"""What the installed torch can do, asked in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["TorchBuild", "read_torch"]

QUESTION = """
import json, sys
sys.path[:] = [path for path in sys.path if path]  # nothing from the present directory
import torch
print(json.dumps({
    "version": torch.__version__,
    "cuda": torch.version.cuda,
    "available": torch.cuda.is_available(),
    "devices": torch.cuda.device_count(),
}))
"""


@dataclass(frozen=True)
class TorchBuild:
    """The installed torch.

    Parameters
    ----------
    version
        Null if torch did not come up; then `problem` says why.
    cuda
        CUDA that it is built for; null for a CPU build.
    available, devices
        Whether it can use a GPU, and how many it sees.
    problem
        The last thing that it said about what went wrong.
    """

    version: str | None = None
    cuda: str | None = None
    available: bool = False
    devices: int = 0
    problem: str = ""


def read_torch(
    timeout_s: float = 120, command: Sequence[str] = (sys.executable, "-c", QUESTION)
) -> TorchBuild:
    """What torch says of itself.

    In a subprocess, because a torch that does not fit its driver may end the process or
    hang in it, and because a CUDA context would stay in this one.

    Parameters
    ----------
    timeout_s
        After this it counts as broken; a cold import from a network disk takes a minute.
    command
        What prints the answer.
    """
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter, on a fixed text)
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TorchBuild(problem=f"importing it takes more than {timeout_s:g} s")
    except OSError as error:
        return TorchBuild(problem=f"Python does not start: {error.strerror}")
    said = done.stderr.strip().splitlines()
    last = said[-1].strip() if said else ""
    if done.returncode != 0:
        return TorchBuild(problem=last or f"importing it ends with status {done.returncode}")
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return TorchBuild(problem="importing it prints something else than its version")
    return TorchBuild(**answer, problem=last)
