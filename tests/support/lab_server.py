"""A JupyterLab server that belongs to the tests: its own directories, and nothing left of it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

__all__ = ["Server", "running_server"]

START_S = 60.0
STOP_S = 15.0

FLAGS = (
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--ServerApp.allow_root=True",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@dataclass(frozen=True)
class Server:
    """A JupyterLab that answers, with its files below ``root``."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    root: Path
    log: Path

    def url(self, path: str = "lab") -> str:
        """The address of a page, which logs the browser in."""
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"

    def answer(self, path: str, method: str = "GET") -> Any:  # Any: JSON
        """What the server's own interface says at a path such as ``api/status``."""
        asked = Request(
            f"http://127.0.0.1:{self.port}/{path}",
            headers={"Authorization": f"token {self.token}"},
            method=method,
        )
        with urlopen(asked, timeout=STOP_S) as page:
            text = page.read()
        return json.loads(text) if text else None

    def end_kernels(self) -> None:
        """End all kernels, whoever started them."""
        for kernel in self.answer("api/kernels"):
            self.answer(f"api/kernels/{kernel['id']}", "DELETE")


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A JupyterLab that keeps everything below ``folder``, until the block ends."""
    root = folder / "notebooks"
    root.mkdir(parents=True)
    port, token = _free_port(), secrets.token_hex(16)
    log = folder / "jupyterlab.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *FLAGS,
             f"--ServerApp.port={port}", f"--IdentityProvider.token={token}",
             f"--ServerApp.root_dir={root}"],
            cwd=root, env=_environment(folder), stdin=subprocess.DEVNULL,
            stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the tests alone, and they end the server
        )  # fmt: skip
    server = Server(process, port, token, root, log)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(folder: Path) -> dict[str, str]:
    """The environment, with all that Jupyter and IPython keep below ``folder``."""
    settings = folder / "settings"
    for name, values in SETTINGS.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    own = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("JUPYTER")}
    return inherited | {name: str(path) for name, path in own.items()} | {"HF_HUB_OFFLINE": "1"}


def _wait_until_it_answers(server: Server) -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        if server.process.poll() is not None:
            break
        try:
            server.answer("api/status")
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)  # there is nothing to wait on before it listens
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{server.log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels; what does not go by itself is killed."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(family, timeout=2)
    for each in alive:
        each.kill()
    psutil.wait_procs(alive, timeout=5)
