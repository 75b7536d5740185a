"""What to type so that an INVALID study becomes VALID, where more blocks may do it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["needed", "needed_of"]

Json = Mapping[str, Any]
"""The summary of a study; Any: JSON."""

DEEP = 5
"""Folders above a study of a point, up to that of its sweep."""


def needed(
    studies: Mapping[str, Study], summaries: Mapping[str, Json], place: Path
) -> Iterator[str]:
    """The lines, of the study that needs most blocks; none where more blocks are no remedy.

    Parameters
    ----------
    studies, summaries
        By variant of the placements.
    place
        The directory that holds all of them.
    """
    lacking = [name for name, each in summaries.items() if each["needed_repeats"] is not None]
    if not lacking:
        return
    worst = max(lacking, key=lambda name: int(summaries[name]["needed_repeats"]))
    enough, made = (int(summaries[worst][key]) for key in ("needed_repeats", "repeats"))
    yield f"to go on until it can be VALID: mlbench collocate --resume {place} --repeats {enough}"
    if enough - made > max(made, studies[worst].bench.study.min_blocks):
        yield f"a new study is shorter than these {enough - made} blocks more, if it loses none"


def needed_of(study: Study, summary: Json) -> Iterator[str]:
    """The same of one study that is shown.

    One of several placements goes on with the others, which it is compared with; a point of a
    sweep does not go on by itself.
    """
    from mlbench.store.kind import is_sweep

    if summary["needed_repeats"] is None:
        return
    path = study.path
    sweep = next((each for each in path.resolve().parents[:DEEP] if is_sweep(each)), None)
    if sweep is not None:
        yield f"a point of a sweep, which goes on as a whole: mlbench show {sweep}"
        return
    place = path.parent if summary["design"].get("variant") else path
    yield from needed({"": study}, {"": summary}, place)
