"""Whole runs, and what else runs beside them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlbench import Benchmark, Run, start

__all__ = ["finished", "processors_busy", "require", "single"]


def require(*modules: str) -> None:
    """See that the peers are installed.

    Raises
    ------
    ModuleNotFoundError
        If one is not, with what installs it.
    """
    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"no {module} to compare with: pip install 'mlbench[bench]'")


def single(stages: Mapping[str, Any], **pipeline: Any) -> Benchmark:  # Any: a spec's YAML
    """A benchmark of one pipeline that keeps no outputs."""
    data = {"uses": "synthetic.items"}
    whole = {"data": data, "outputs": "none", "stages": stages, **pipeline}
    return Benchmark(name="bench", pipelines={"only": whole})


def finished(bench: Benchmark, out: Path) -> Run:
    """The run, when it has ended.

    Raises
    ------
    RuntimeError
        If it did not end well: there is nothing to report then.
    """
    run = start(bench, out).wait()
    if run.status != "done":
        raise RuntimeError(f"{run.path} is {run.status}: {run.manifest['reasons']}")
    return run


@contextmanager
def processors_busy(count: int) -> Iterator[None]:
    """``count`` processes that spin in Python at normal priority."""
    command = [sys.executable, "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
