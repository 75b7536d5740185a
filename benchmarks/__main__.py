"""``python -m benchmarks [GROUP ...]``: run the benchmarks and write ``RESULTS.md``.

All of them, without a GROUP; with one, its rows are only printed. The page is written anew
with every row, so that what was measured survives whatever comes later.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.row import Row
from mlbench import __version__
from mlbench.machine.cpu import read_cpu
from mlbench.machine.fingerprint import fingerprint

GROUPS = (
    "chains",
    "lateness",
    "startup",
    "recording",
    "study",
    "sampler",
    "figures",
    "sweep",
    "widgets",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run the groups that were asked for, all by default."""
    names = sys.argv[1:] or list(GROUPS)
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    found = []
    for row in _run(names):
        print(_line(row), flush=True)
        found.append(row)
        if not sys.argv[1:]:
            RESULTS.write_text(_page(found), encoding="utf-8")
    return 0


def _run(names: list[str]) -> Iterator[Row]:
    for name in names:
        try:
            yield from import_module(f"benchmarks.{name}").rows()
        except Exception as error:  # whatever one needs and has not got: the others are measured
            traceback.print_exc()
            yield Row(name, f"{name} ended early", f"{type(error).__name__}: {error}")


def _line(row: Row) -> str:
    met = {True: "met", False: "NOT MET", None: ""}[row.met]
    cells = (row.what, row.measured, row.reference, row.ratio, row.bar, met)
    return "| " + " | ".join(cells) + " |"


def _page(rows: list[Row]) -> str:
    machine = fingerprint()
    cpu = read_cpu()
    software = machine["software"]
    head = [
        "# Results of `make bench`",
        "",
        "Every ratio is of interleaved runs of one invocation (A B A B ...), with a 95 % interval",
        "(Student's t on the log-ratios of the pairs). Absolute times are medians and drift with",
        "the machine; compare ratios. Nothing here is asserted in a test.",
        "",
        f"- {time.strftime('%Y-%m-%d')}, mlbench {__version__}, Python {software['python']}, "
        f"kernel {software['kernel']}",
        f"- {cpu.model}, {len(cpu.available)} processors"
        f"{', a virtual machine' if cpu.virtual else ''}",
        "",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        head += [
            f"## {group}",
            "",
            "| what | measured | reference | ratio | bar | |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in rows if row.group == group),
            "",
        ]
    return "\n".join(head)


if __name__ == "__main__":
    sys.exit(main())
