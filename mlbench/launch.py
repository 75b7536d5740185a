"""Starts an engine for a request: writes ``spec.json``, spawns the process, gives the directory."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from mlbench.check import chosen, problems
from mlbench.errors import EngineError, OutputError, SpecError
from mlbench.spec import Benchmark, Request, Window
from mlbench.spec.request import Source, local_stages, named_modules, spec_hash
from mlbench.store.layout import REQUEST, write_json

__all__ = ["code_of", "launch", "new_directory"]

MARKER = "MLBENCH_RUN"
"""The variable by which everything that a run starts can be found; see `engine.process`."""


def launch(
    bench: Benchmark,
    directory: Path,
    *,
    only: Iterable[str] | None = None,
    block: int = 0,
    window: Window | None = None,
) -> subprocess.Popen[bytes]:
    """Start an engine that executes ``bench`` into ``directory``, and return at once.

    The engine has a session of its own: an interrupt of the caller does not reach it, and
    it goes on when the caller ends.

    Raises
    ------
    SpecError
        If the spec cannot run here, with every problem.
    EngineError
        If this system cannot measure, or the directory cannot be written.
    """
    if sys.platform != "linux":
        raise EngineError("mlbench measures on Linux; reading and drawing runs works everywhere")
    if found := problems(bench):
        raise SpecError(found)
    local = {name: stage.target for name, stage in local_stages(bench).items()}
    pickled = _pickled(local) if local else b""
    local_code, code = code_of(bench)
    request = Request(
        bench=bench,
        only=None if only is None else chosen(bench, only),
        block=block,
        window=window,
        spec_hash=spec_hash(bench),
        local_code=local_code,
        code=code,
    )
    try:
        write_json(directory / REQUEST, request.complete())
        log = (directory / "engine.log").open("ab")
    except OSError as error:
        raise OutputError(f"cannot write {directory}: {error.strerror}") from None
    return _spawn(directory, log, pickled)


def _spawn(directory: Path, log: BinaryIO, pickled: bytes) -> subprocess.Popen[bytes]:
    """The engine's process, with the local stages sent through its standard input."""
    command = [sys.executable, "-m", "mlbench.engine", str(directory.resolve())]
    with log:
        process = subprocess.Popen(  # noqa: S603  (this Python, this package)
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_environment(directory),
            start_new_session=True,
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as pipe:  # it died at once: `Run.wait` says why
        pipe.write(pickled)
    return process


def _environment(directory: Path) -> dict[str, str]:
    """The caller's environment, its import path, and the marker of the run."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, MARKER: str(directory.resolve())}


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
    path = Path(parent) / f"{stamp}-{safe}-{secrets.token_hex(2)}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot make {path}: {error.strerror}") from None
    return path
