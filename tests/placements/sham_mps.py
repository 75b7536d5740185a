"""MPS without a GPU for whole runs, and a program that stands in for NVIDIA's daemon."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from mlbench.errors import EngineError
from mlbench.interfaces.placement import PlacementMethod
from mlbench.interfaces.stage import stage
from mlbench.placements.mps import Mps
from mlbench.placements.mps_daemon import running
from mlbench.placements.visible import VISIBLE

# It speaks as far as mlbench listens: `-f` is the daemon, without it a command comes in by
# standard input. What happens is a line in $SHAM_LOG; how it misbehaves is in $SHAM_MANNERS.
CONTROL = r"""#!/bin/sh
say() { echo "$@" >> "$SHAM_LOG"; }
pipe="$CUDA_MPS_PIPE_DIRECTORY"
if [ "$1" = -f ]; then
    say "start $CUDA_VISIBLE_DEVICES"
    case "$SHAM_MANNERS" in
        refuses) echo "Cannot start: compute mode is prohibited" >&2; exit 1 ;;
        hangs) exec sleep 60 ;;
    esac
    echo "it is up" > "$CUDA_MPS_LOG_DIRECTORY/control.log"
    : > "$pipe/control"
    while [ ! -e "$pipe/quit" ]; do
        [ -e "$SHAM_LOG.die" ] && rm "$pipe/control" && echo "ran into a wall" && exit 3
        sleep 0.01
    done
    say end
    exit 0
fi
read -r command
[ -e "$pipe/control" ] || exit 1
case "$command" in
    get_server_list) [ "$SHAM_MANNERS" = unused ] || echo 4711 ;;
    quit)
        say quit
        [ "$SHAM_MANNERS" = deaf ] && exec sleep 60
        : > "$pipe/quit" ;;
esac
"""


def install(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Put the stand-in into a folder; returns the variables that make it the one on the path."""
    program = folder / "nvidia-cuda-mps-control"
    program.write_text(CONTROL)
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{environment['PATH']}"
    return {"PATH": path, "SHAM_LOG": str(folder / "said"), "SHAM_MANNERS": ""}


class ShamMps(Mps):
    """MPS whose device is not there: everything but the GPU is as it is."""

    needs_gpu: ClassVar[bool] = False

    def missing(self) -> str | None:
        return None

    @contextmanager
    def together(self, device: str) -> Iterator[Mapping[str, str]]:
        with running("GPU-1234") as variables:
            yield {name: value for name, value in variables.items() if name != VISIBLE}


class Refused(PlacementMethod):
    """A method that the machine takes back when the run begins."""

    def missing(self) -> str | None:
        return None

    @contextmanager
    def around(self, device: str) -> Iterator[Mapping[str, str]]:
        raise EngineError("the device is in use by somebody else")
        yield {}


@stage
def mps_variables(payload: object) -> dict[str, str]:
    """What MPS has put into the worker's environment."""
    return {name: value for name, value in os.environ.items() if name.startswith("CUDA_MPS")}
