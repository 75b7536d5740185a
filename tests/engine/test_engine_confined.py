"""What measures stays on its processors, threads of libraries included."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASKS = """
import os, threading
from mlbench.engine.process import confine

threading.Thread(target=threading.Event().wait, daemon=True).start()
first = min(os.sched_getaffinity(0))
confine([first])
threads = [int(name) for name in os.listdir("/proc/self/task")]
assert len(threads) > 1
print([os.sched_getaffinity(thread) == {first} for thread in threads].count(False), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor is all there is")
def test_a_thread_that_was_there_before_is_confined_too() -> None:
    """Arrow and BLAS start threads when they are imported, and the recorder has both by then."""
    told = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)
    assert told.stdout == "0\n"
