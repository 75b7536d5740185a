"""The order that an engine waits for: which run, where modules are found, and local stages."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mlbench.engine.process import log_to
from mlbench.registry import Listed, adopt

__all__ = ["Order"]

MAX_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Order:
    """What comes through the engine's standard input.

    One line of JSON, and behind it whatever bytes `mlbench.launch` has pickled.

    Parameters
    ----------
    run
        The run directory, which has its ``spec.json``.
    import_path
        The caller's `sys.path`.
    registered
        What the caller has found to be registered (`mlbench.registry.listed`).
    local_code
        The stages that only the caller has, pickled.
    """

    run: Path
    import_path: tuple[str, ...]
    registered: Listed
    local_code: bytes

    @classmethod
    def read(cls, stream: BinaryIO) -> Order | None:
        """Wait for the order; null if the caller closes the stream without one."""
        head = stream.readline()
        if not head.endswith(b"\n") or head == b"\n":
            return None
        told = json.loads(head)
        local_code = stream.read(told["bytes"])
        if len(local_code) < told["bytes"]:
            return None
        return cls(Path(told["run"]), tuple(told["path"]), told["registered"], local_code)

    def settle(self) -> None:
        """Find modules and plugins where the caller does, and write to ``engine.log``."""
        sys.path[:] = self.import_path
        adopt(self.registered)
        os.environ["PYTHONPATH"] = os.pathsep.join(self.import_path)
        said = b""
        with suppress(OSError):  # what cannot be read back is the log of the run already
            said = os.pread(2, MAX_LOG_BYTES, 0)
        log_to(self.run / "engine.log")
        os.write(2, said)
