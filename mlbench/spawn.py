"""The engine's process: started by name, it waits for the order to execute a run.

It is started before anything else is at hand, so nothing is imported here that can wait.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, suppress

from mlbench.imports import environment

TYPE_CHECKING = False  # as `typing` has it, whose import takes as long as starting a process
if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO, Any

__all__ = ["MARKER", "Engine"]

MARKER = "MLBENCH_RUN"
"""The variable by which everything that a run starts can be found; see `engine.process`."""


class Engine:
    """An engine's process that has no run yet: it imports what it needs, and waits for one.

    It has a session of its own: an interrupt of the caller does not reach it, and it goes on
    when the caller ends. Without an order it ends as soon as the caller does.

    Parameters
    ----------
    log
        File that gets what it says before it knows its run; default one without a name.

    Raises
    ------
    EngineError
        If this system cannot measure, or has no room for another process.
    """

    def __init__(self, log: IO[bytes] | None = None) -> None:
        if sys.platform != "linux":
            from mlbench.errors import EngineError

            raise EngineError(
                "mlbench measures on Linux; reading and drawing runs works everywhere"
            )
        self.marker = os.urandom(8).hex()
        try:
            with ExitStack() as stack:
                log = log or stack.enter_context(os.fdopen(os.memfd_create("engine.log"), "wb"))
                self._process = self._spawned(log)
        except OSError as error:
            from mlbench.errors import EngineError

            raise EngineError(f"cannot start the engine: {error.strerror}") from error

    def _spawned(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        own = {"PYTHONPATH": os.pathsep.join(_import_path()), MARKER: self.marker}
        return subprocess.Popen(  # noqa: S603  (this Python, this package)
            [sys.executable, "-m", "mlbench.engine", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**environment(), **own},
            start_new_session=True,
        )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *raised: object) -> None:
        self.dismiss()

    @property
    def identity(self) -> dict[str, Any]:  # Any: JSON
        """What tells its process from all others, ever."""
        from mlbench.store.process import process_identity

        return process_identity(self._process.pid)

    @property
    def is_waiting(self) -> bool:
        """Whether it lives, for all that can be seen from here."""
        return self._process.poll() is None

    def execute(self, directory: Path, local_code: bytes) -> subprocess.Popen[bytes]:
        """Give it the order to execute the request in a directory."""
        import json

        from mlbench.registry import listed

        head = json.dumps(
            {
                "run": str(directory.resolve()),
                "path": _import_path(),
                "registered": listed(),
                "bytes": len(local_code),
            }
        )
        self._say(head.encode() + b"\n" + local_code)
        return self._process

    def dismiss(self) -> None:
        """Have it end, if it was given no run."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._say(b"\n")  # no end of file comes while a child of the caller holds the pipe
            self._process.wait()

    def _say(self, order: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as pipe:  # `Run.wait` says why it died
            pipe.write(order)


def _import_path() -> list[str]:
    return [entry or os.getcwd() for entry in sys.path]
