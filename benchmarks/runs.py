"""Whole runs, and the processes beside and inside them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlbench import Benchmark, Run, start

__all__ = ["MB", "finished", "peaks", "processors_busy", "require", "single"]

MB = 1e6


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


def peaks(pid: int, found: dict[str, int]) -> None:
    """Raise ``found`` to the peak resident bytes so far of a process and its descendants.

    By the name that ``ps`` shows; read again and again until the process has ended, since a
    peak is gone with its process. It is ``VmHWM`` and not ``ru_maxrss`` because the latter
    counts what stood in the process before ``exec``: the memory of the parent.
    """
    folder = Path(f"/proc/{pid}")
    with suppress(OSError):  # it has just ended
        name, peak_bytes = _status(folder)
        found[name] = max(found.get(name, 0), peak_bytes)
        for children in folder.glob("task/*/children"):
            for child in children.read_text().split():
                peaks(int(child), found)


def _status(folder: Path) -> tuple[str, int]:
    lines = (line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    fields = dict(lines)
    kilobytes = fields.get("VmHWM", "0 kB").split()[0]  # a process that has ended has none
    return fields["Name"].strip(), int(kilobytes) * 1024
