"""The order that an engine waits for: whole or not at all, whoever holds the pipe besides."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlbench.engine.order import Order
from mlbench.errors import EngineError
from mlbench.imports import PLUGINS, without_plugins
from mlbench.spawn import MARKER, Engine

REGISTERED = [["noop", "mlbench.stages.synthetic:noop", "mlbench.stages"]]


def told(code: bytes = b"", size: int | None = None) -> bytes:
    head: dict[str, object] = {"run": "/runs/a", "path": ["/x"], "registered": REGISTERED}
    head["bytes"] = len(code) if size is None else size
    return json.dumps(head).encode() + b"\n" + code


@pytest.mark.unit
def test_an_order_has_its_run_the_import_path_and_the_local_stages() -> None:
    order = Order.read(io.BytesIO(told(b"pickled\n\0")))
    assert order == Order(Path("/runs/a"), ("/x",), REGISTERED, b"pickled\n\0")


@pytest.mark.unit
@pytest.mark.parametrize("said", [b"", b"\n", b'{"run": "/runs', told(b"short", 9)])
def test_what_is_cut_off_or_says_nothing_is_no_order(said: bytes) -> None:
    assert Order.read(io.BytesIO(said)) is None


def living(marker: str) -> list[int]:
    wanted, found = f"{MARKER}={marker}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def nobody_is_left(marker: str) -> bool:
    """Whether all have ended, a moment later: the guardian is the last."""
    end_s = time.monotonic() + 20
    while living(marker) and time.monotonic() < end_s:
        time.sleep(0.05)
    return not living(marker)


def test_an_engine_that_is_not_needed_ends_though_a_child_holds_its_pipe(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        engine = Engine(log)
    assert engine._process.stdin is not None
    holder = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        pass_fds=[engine._process.stdin.fileno()],
    )
    try:
        engine.dismiss()
        assert holder.poll() is None
        assert nobody_is_left(engine.marker)
    finally:
        holder.kill()
        holder.wait()


def test_an_engine_ends_when_its_caller_was_killed_before_the_order(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; from mlbench.spawn import Engine; "
        f"engine = Engine(open({str(tmp_path / 'log')!r}, 'wb')); "
        "subprocess.Popen(['sleep', '31'], pass_fds=[engine._process.stdin.fileno()]); "
        "print(engine.marker, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as caller:
        assert caller.stdout is not None
        marker = caller.stdout.readline().strip()
        os.kill(caller.pid, 9)
        caller.wait()
    assert nobody_is_left(marker)


def test_an_engine_gets_no_variable_that_a_thread_has_set_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PLUGINS, raising=False)
    with without_plugins(object), (tmp_path / "log").open("wb") as log, Engine(log) as engine:
        assert PLUGINS in os.environ
        environment = Path(f"/proc/{engine.identity['pid']}/environ").read_bytes()
    assert PLUGINS.encode() not in environment


@pytest.mark.unit
def test_no_room_for_an_engine_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(EngineError, match="cannot start the engine: Resource temporarily"):
        Engine()
