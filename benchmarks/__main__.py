"""``python -m benchmarks [GROUP ...]``: run the benchmarks and write ``RESULTS.md``.

All of them, without a GROUP. Each group has a section, which says when it was measured and
where; it is written anew with every row, so that what was measured survives whatever comes
later.
"""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
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
HEAD = """\
# Results of `make bench`

Every ratio is of interleaved runs of one invocation (A B A B ...), with a 95 % interval
(Student's t on the log-ratios of the pairs). Absolute times are medians and drift with the
machine; compare ratios. Nothing here is asserted in a test."""


def main() -> int:
    """Run the groups that were asked for, all by default."""
    names = sys.argv[1:] or list(GROUPS)
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    found: dict[str, list[Row]] = {}
    sections, where = _sections(), _where()
    for row in _run(names):
        print(_line(row), flush=True)
        found.setdefault(row.group, []).append(row)
        sections[row.group] = _section(where, found[row.group])
        RESULTS.write_text(_page(sections), encoding="utf-8")
    return 0


def _sections() -> dict[str, str]:
    """What the page says, by group, as far as there is one."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else ""
    _, *parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], (part.strip("\n") for part in parts[1::2]), strict=True))


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


def _where() -> str:
    """The machine, what runs on it, and the day."""
    software, cpu = fingerprint()["software"], read_cpu()
    kind = ", a virtual machine" if cpu.virtual else ""
    return (
        f"{time.strftime('%Y-%m-%d')}, mlbench {__version__}, Python {software['python']}, "
        f"kernel {software['kernel']}; {cpu.model}, {len(cpu.available)} processors{kind}."
    )


def _section(where: str, rows: Sequence[Row]) -> str:
    head = "| what | measured | reference | ratio | bar | |\n|---|---|---|---|---|---|"
    return "\n".join((where, "", head, *map(_line, rows)))


def _page(sections: Mapping[str, str]) -> str:
    parts = [HEAD, *(f"## {group}\n\n{text}" for group, text in sections.items())]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
