"""``python -m mlbench.engine CALLER``: execute the run that standard input names.

CALLER is the process that writes the order (`engine.order`).
"""

from __future__ import annotations

import errno
import os
import resource
import select
import sys

from mlbench.engine.arena import Arena
from mlbench.engine.guardian import guard
from mlbench.engine.process import MARKER, become_subreaper, fork, leave, name_process
from mlbench.engine.recorder import record
from mlbench.engine.wire import pipe
from mlbench.imports import importing

NO_MEMORY = "the engine gets no more memory: ulimit -v unlimited, or a container with more"


def main() -> int:
    """Start the processes in the order of what they may see, then supervise them.

    Recorder and guardian are forked first, while this process is still small: they know
    nothing of specs. What the others need is imported before the order comes, which may be a
    while: the caller starts this process first and checks its spec meanwhile. Probes are left
    to the sampler, which imports them while each worker imports what its pipeline names.
    """
    raise_file_limit()
    become_subreaper()
    name_process("mlbench:engine")
    arena = Arena()
    recorder = start_recorder(arena)
    marker = os.environ[MARKER]
    supervisor = os.getpid()
    guardian = fork(
        "guardian",
        lambda: guard(marker, supervisor, recorder[0]),
        keep=(),
        dies_with_parent=False,
    )
    with importing():
        from mlbench.engine.order import Order
        from mlbench.engine.supervisor import Supervisor

    order = Order.read(sys.stdin.buffer) if spoken_to(int(sys.argv[1])) else None
    if order is None:  # the caller needs no engine
        return 0
    order.settle()
    return Supervisor(order, arena, recorder, guardian).run()


def spoken_to(caller: int) -> bool:
    """Wait for the order; false if the caller has ended without one, whoever holds its pipe."""
    try:
        ended = os.pidfd_open(caller)
    except ProcessLookupError:  # what it said stands in the pipe
        return bool(select.select([0], [], [], 0)[0])
    ready = select.select([0, ended], [], [])[0]
    os.close(ended)
    return 0 in ready


def raise_file_limit() -> None:
    """Use as many open files as the user may: each pipeline needs about a dozen."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_recorder(arena: Arena) -> tuple[int, int, int]:
    """Fork the recorder; returns its process id, its outbox and its control."""
    control, outbox = pipe(), pipe()
    keep = (control[0], outbox[1])
    pid = fork(
        "recorder", lambda: record(arena, control[0], outbox[1]), keep, dies_with_parent=False
    )
    os.close(control[0])
    os.close(outbox[1])
    return pid, outbox[0], control[1]


if __name__ == "__main__":
    try:
        leave(main())
    except MemoryError:
        sys.exit(NO_MEMORY)
    except OSError as error:
        if error.errno == errno.ENOMEM:
            sys.exit(NO_MEMORY)
        if error.errno != errno.EMFILE:
            raise
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        sys.exit(f"{limit} open files are too few for this run: ulimit -n 1024")
