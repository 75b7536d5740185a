"""``python -m mlbench.engine RUN_DIR``: execute the request that stands in a run directory."""

from __future__ import annotations

import errno
import os
import resource
import sys
from pathlib import Path

from mlbench.engine.desk import Desk
from mlbench.engine.guardian import guard
from mlbench.engine.process import MARKER, become_subreaper, fork, name_process
from mlbench.engine.recorder import Feed, record
from mlbench.engine.ring import Ring
from mlbench.engine.rows import DISPATCH_ROW, SAMPLE_ROW
from mlbench.engine.wire import pipe
from mlbench.store.layout import REQUEST, folder_of, read_json


def main() -> int:
    """Start the processes in the order of what they may see, then supervise them.

    Recorder and guardian are forked first, while this process is still small: they know
    nothing of specs.
    """
    run = Path(sys.argv[1])
    local_code = sys.stdin.buffer.read()
    raise_file_limit()
    become_subreaper()
    name_process("mlbench:engine")
    request = read_json(run / REQUEST) or {}
    codes = {name: code for code, name in enumerate(request["bench"].get("pipelines", {}))}
    only = request.get("only")
    names = [name for name in codes if only is None or name in only]
    desks = {name: Desk() for name in names}
    ring, samples = Ring(DISPATCH_ROW, 1 << 15), Ring(SAMPLE_ROW, 1 << 15)
    folders = {name: folder_of(run, codes[name], name) for name in names}
    for folder in folders.values():
        folder.mkdir(parents=True)
    recorder = start_recorder(run, desks, folders, ring, samples)
    marker = os.environ[MARKER]
    supervisor = os.getpid()
    guardian = fork(
        "guardian",
        lambda: guard(marker, supervisor, recorder[0]),
        keep=(),
        dies_with_parent=False,
    )
    from mlbench.engine.supervisor import Supervisor

    return Supervisor(run, desks, folders, ring, samples, recorder, guardian, local_code).run()


def raise_file_limit() -> None:
    """Use as many open files as the user may: each pipeline needs about a dozen."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_recorder(
    run: Path, desks: dict[str, Desk], folders: dict[str, Path], ring: Ring, samples: Ring
) -> tuple[int, int, int]:
    """Fork the recorder; returns its process id, its outbox and its control."""
    control, outbox = pipe(), pipe()
    feeds = [Feed(folders[name], desk.rings, desk.texts[0]) for name, desk in desks.items()]
    keep = (control[0], outbox[1], *(desk.texts[0] for desk in desks.values()))
    pid = fork(
        "recorder",
        lambda: record(run, feeds, ring, samples, control[0], outbox[1]),
        keep,
        output=run / "engine.log",
        dies_with_parent=False,
    )
    os.close(control[0])
    os.close(outbox[1])
    for desk in desks.values():
        os.close(desk.texts[0])
    return pid, outbox[0], control[1]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        sys.exit(f"{limit} open files are too few for this run: ulimit -n 1024")
