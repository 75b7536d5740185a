"""Starts an engine for a request: spawns the process, writes ``spec.json``, gives the order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import IO

from mlbench.check import chosen, problems
from mlbench.errors import EngineError, OutputError, SpecError
from mlbench.imports import without_plugins
from mlbench.spawn import Engine
from mlbench.spec import Benchmark, Request, Window, expect_benchmark
from mlbench.spec.request import Source, local_stages, named_modules, spec_hash
from mlbench.store.layout import REQUEST, write_json

__all__ = ["code_of", "launch", "new_directory"]


def launch(
    bench: Benchmark,
    directory: Path,
    *,
    only: Iterable[str] | None = None,
    block: int = 0,
    window: Window | None = None,
    engine: Engine | None = None,
) -> subprocess.Popen[bytes]:
    """Have an engine execute ``bench`` into ``directory``, and return at once.

    Parameters
    ----------
    engine
        One that was started before, while there was other work to do; default a new one.

    Raises
    ------
    SpecError
        If the spec cannot run here, with every problem.
    EngineError
        If this system cannot measure, or the directory cannot be written.
    """
    expect_benchmark(bench)
    if found := problems(bench):
        raise SpecError(found)
    local = {name: stage.target for name, stage in local_stages(bench).items()}
    pickled = _pickled(local) if local else b""
    local_code, code = code_of(bench)
    with without_plugins(Request):
        request = Request(
            bench=bench,
            only=None if only is None else chosen(bench, only),
            block=block,
            window=window,
            spec_hash=spec_hash(bench),
            local_code=local_code,
            code=code,
        )
    with _opened_log(directory) as log:
        engine = engine if engine is not None and engine.is_waiting else Engine(log)
    try:
        whose = {"marker": engine.marker, "engine": engine.identity}
        write_json(directory / REQUEST, {**request.complete(), **whose})
    except OSError as error:
        engine.dismiss()
        raise _not_written(directory, error) from None
    return engine.execute(directory, pickled)


def _opened_log(directory: Path) -> IO[bytes]:
    try:
        return (directory / "engine.log").open("ab")
    except OSError as error:
        raise _not_written(directory, error) from None


def _not_written(directory: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {directory}: {error.strerror}")


def _pickled(local: dict[str, Callable[..., object]]) -> bytes:
    import cloudpickle

    for name, target in local.items():
        try:
            cloudpickle.dumps(target)
        except Exception as error:  # whatever a user's object raises: name the stage
            raise EngineError(
                f"the stage {name} cannot be sent to its process: {error}; make what it needs "
                "inside of it, or put the stage into a module and name it 'module:object'"
            ) from error
    return bytes(cloudpickle.dumps(local))


def code_of(bench: Benchmark) -> tuple[dict[str, str], dict[str, Source]]:
    """What identifies the code of a spec that was checked: ``local_code`` and ``code``.

    They are those of `mlbench.spec.Request`.
    """
    local = {name: _source_hash(stage.target) for name, stage in local_stages(bench).items()}
    return local, _sources(named_modules(bench))


def _source_hash(target: object) -> str:
    """SHA-256 of the source of a stage that lives in the caller, 16 hex digits."""
    import hashlib
    import inspect

    try:
        source = inspect.getsource(target)  # type: ignore[arg-type]  # any object; OSError if none
    except (OSError, TypeError):
        return "unknown"
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _sources(modules: Iterable[str]) -> dict[str, Source]:
    """Where each of these modules came from; the check of the spec has imported them."""
    import hashlib

    found = {}
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            code = Path(file).read_bytes()
            found[name] = Source(file=file, sha256=hashlib.sha256(code).hexdigest()[:16])
    return found


def new_directory(parent: str | PathLike[str], name: str) -> Path:
    """A new directory for a run, ``parent/YYYYmmdd-HHMMSS-name-xxxx``.

    Raises
    ------
    EngineError
        If it cannot be made.
    """
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-")[:40] or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path = Path(parent) / f"{stamp}-{safe}-{os.urandom(2).hex()}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot make {path}: {error.strerror}") from None
    return path
