"""The code of a study: that which its earlier runs executed, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlbench import __version__
from mlbench.check import problems
from mlbench.collocation.capacity import with_rates
from mlbench.collocation.ledger import Ledger
from mlbench.errors import NotARunError
from mlbench.launch import code_of
from mlbench.spec import Benchmark
from mlbench.store.layout import REQUEST, read_json

__all__ = ["refuse_changed"]

Hashes = dict[str, str]
"""SHA-256 of sources, by what they are the source of."""


def refuse_changed(ledger: Ledger) -> None:
    """Refuse to go on with a study whose code is not that of its earlier runs.

    Raises
    ------
    NotARunError
        If it is not, with what differs.
    """
    if not _was_begun(ledger):
        return
    if found := list(dict.fromkeys(_differences(ledger))):
        raise NotARunError(
            f"{ledger.path} cannot go on, because its runs would not be comparable: "
            f"{'; '.join(found)}. Put that back, or start a new study: `mlbench collocate SPEC`"
        )


def _was_begun(ledger: Ledger) -> bool:
    return any(run.status != "planned" for run in ledger.manifest.runs)


def _differences(ledger: Ledger) -> Iterator[str]:
    made_by = ledger.manifest.mlbench
    if made_by and made_by != __version__:
        yield f"mlbench {made_by} made them, and this is {__version__}"
    now = _code_now(ledger.bench)
    for run in ledger.manifest.runs:
        for what, sha256 in _code_then(ledger.path / run.directory).items():
            if what in now and now[what] != sha256:
                yield f"the code of {what} has changed ({sha256} in {run.treatment}, {now[what]})"


def _code_now(bench: Benchmark) -> Hashes:
    problems(with_rates(bench))  # imports the modules; what it finds is told by the launch
    local, modules = code_of(bench)
    return {**local, **{name: source.sha256 for name, source in modules.items()}}


def _code_then(directory: Path) -> Hashes:
    """What a run has written down; nothing where it did not come so far."""
    request = read_json(directory / REQUEST)
    local, modules = (_mapping(request, key) for key in ("local_code", "code"))
    sources = {name: source for name, source in modules.items() if isinstance(source, Mapping)}
    return {**local, **{name: str(source.get("sha256")) for name, source in sources.items()}}


def _mapping(document: object, key: str) -> Mapping[str, Any]:
    """A part of a file that anybody may have damaged; empty where it is none."""
    found = document.get(key) if isinstance(document, Mapping) else None
    return found if isinstance(found, Mapping) else {}
