"""Which code the runs of a study ran: of one study it is the same, or nothing is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlbench.spec import Request

if TYPE_CHECKING:
    from mlbench.study.block import Block

__all__ = ["code_of", "differing"]

VERSION = "the version of mlbench"


def code_of(request: Request, manifest: Mapping[str, Any]) -> dict[str, str]:  # Any: JSON
    """The hash of each piece of code that a run names, and the version of mlbench.

    Parameters
    ----------
    request
        ``spec.json``: what was asked for.
    manifest
        ``run.json``: what the engine says that it ran, which has the last word.
    """
    found = {f"the module {name}": each.sha256 for name, each in request.code.items()}
    found |= {f"the local stage {name}": each for name, each in request.local_code.items()}
    for name, source in _section(manifest, "code").items():
        if isinstance(source, dict):
            found[f"the module {name}"] = str(source.get("sha256"))
    found |= {f"the local stage {n}": str(e) for n, e in _section(manifest, "local_code").items()}
    version = _section(_section(manifest, "machine"), "software").get("mlbench")
    return {**found, VERSION: str(version)} if version else found


def _section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:  # Any: JSON, unchecked
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def differing(blocks: Sequence[Block]) -> Iterator[str]:
    """What was not the same in all runs, and in which blocks it was which."""
    seen: dict[str, dict[str, set[int]]] = {}
    for block in blocks:
        for run in block.runs.values():
            for name, value in run.code.items():
                seen.setdefault(name, {}).setdefault(value, set()).add(block.number)
    for name, values in seen.items():
        if len(values) > 1:
            told = "; ".join(f"{value} in {_numbers(each)}" for value, each in values.items())
            yield f"Not all runs have {name} the same, so they cannot be compared: {told}."


def _numbers(blocks: set[int]) -> str:
    listed = ", ".join(str(number) for number in sorted(blocks))
    return f"block{'s' * (len(blocks) != 1)} {listed}"
