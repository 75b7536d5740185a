"""From a plan to its points and blocks, and to a directory in which nothing is executed yet."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from mlbench.errors import NotARunError, OutputError, SpecError
from mlbench.launch import new_directory
from mlbench.seed import stream
from mlbench.spec import Document
from mlbench.store.kind import PLAN
from mlbench.sweep.combinations import Combinations, combinations_of
from mlbench.sweep.durable import write_durably
from mlbench.sweep.layout import Block, Point, SweepManifest, read_plan, source_of
from mlbench.sweep.plan import Plan
from mlbench.sweep.state import PLANNED, states
from mlbench.sweep.target import Target, see_modules_beside, target_of
from mlbench.sweep.versions import differences, versions_of

__all__ = ["begin", "extend", "planned", "refuse_changed"]

Values = dict[str, Any]
"""Parameters of a point, by name; Any: plain data."""

CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
"""Made once: most of the time of a short text goes into making the encoder."""


def planned(plan: Plan, file: str | PathLike[str] | None = None) -> SweepManifest:
    """All points and blocks of a plan, with everything checked that can be before it starts.

    Parameters
    ----------
    file
        The plan's own file, for the lines of mistakes.

    Raises
    ------
    SpecError
        With every mistake in the plan, its parameters, and the target with them.
    """
    try:
        combinations = combinations_of(plan)
        target = target_of(plan)
        target.check(combinations.values)
    except SpecError as error:
        unplaced = [p for p in error.problems if p.file is None]
        if file is None or not unplaced:
            raise
        placed = [p for p in error.problems if p.file is not None]
        raise SpecError([*placed, *Document.read(file).located(unplaced)]) from None
    return _manifest(plan, combinations, target)


def _manifest(plan: Plan, combinations: Combinations, target: Target) -> SweepManifest:
    folder = Path(plan.target).resolve().parent
    versions = versions_of(folder, target.source(), target.code())
    key = "spec" if plan.spec else "notebook"
    absolute = plan.model_copy(update={key: str(Path(plan.target).resolve())})
    blocks: list[Block] = []
    points: list[Point] = []
    for repeat in range(plan.repeats):
        found = [
            _point(plan, target, versions, index, values, repeat)
            for index, values in enumerate(combinations.values)
        ]
        points += found
        blocks += _blocks(plan, found, repeat)
    return SweepManifest(
        title=plan.title,
        kind=plan.kind,
        plan=absolute,
        folder=str(target.folder),
        blocks=tuple(blocks),
        points=tuple(points),
        skipped=combinations.skipped,
        versions=versions,
        created=time.time(),
    )


def _point(
    plan: Plan,
    target: Target,
    versions: dict[str, Any],  # Any: JSON
    index: int,
    values: Values,
    repeat: int,
) -> Point:
    seed = target.seed_of(repeat, index)
    placement = {
        "cpus": plan.cpus,
        "devices": plan.devices,
        "environment": plan.environment,
        "kernel": plan.kernel,
    }
    identity = short_hash(
        {
            "kind": plan.kind,
            "target": target.hash_of(index),
            "parameters": values,
            "versions": {key: each for key, each in versions.items() if key != "source"},
            "placement": placement,
            "repeat": repeat,
            "seed": seed,
        }
    )
    return Point(
        id=f"{index:05d}-r{repeat}-{identity[:8]}",
        block=_block_of(plan, index, repeat),
        combination=index,
        repeat=repeat,
        parameters=values,
        seed=seed,
        identity=identity,
    )


def short_hash(data: object) -> str:
    """SHA-256 of plain data as JSON, 16 hex digits; the order of keys counts for nothing."""
    return hashlib.sha256(CANONICAL(data).encode()).hexdigest()[:16]


def _block_of(plan: Plan, index: int, repeat: int) -> str:
    return f"r{repeat:03d}-{index:05d}" if plan.kind == "study" else f"r{repeat:03d}"


def _blocks(plan: Plan, points: Sequence[Point], repeat: int) -> list[Block]:
    """The blocks of a repeat: points, or studies, in the random order of that repeat."""
    order = list(points)
    stream(plan.seed, "order", repeat).shuffle(order)
    if plan.kind == "study":
        return [Block(id=each.block, repeat=repeat, points=(each.id,)) for each in order]
    return [Block(id=order[0].block, repeat=repeat, points=tuple(each.id for each in order))]


def begin(
    plan: Plan,
    out: str | PathLike[str] = "runs",
    file: str | PathLike[str] | None = None,
) -> Path:
    """The directory of a new sweep, in which every point is planned and none has begun.

    Raises
    ------
    SpecError
        With every mistake.
    OutputError
        If the directory cannot be made.
    """
    manifest = planned(plan, file)
    directory = new_directory(out, manifest.title)
    try:
        _write(directory, manifest)
    except OutputError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return directory


def extend(directory: Path, plan: Plan, file: str | PathLike[str] | None = None) -> None:
    """Have a sweep go on with a plan that has all the points that were begun, and maybe more.

    Raises
    ------
    SpecError
        With every mistake in the plan.
    NotARunError
        If there is no sweep, its code has changed, or a point that was begun is not planned.
    """
    before, after = refuse_changed(directory), planned(plan, file)
    found = states(directory, [point.id for point in before.points])
    begun = {name for name, state in found.items() if state.status != PLANNED}
    if lost := begun - {point.id for point in after.points}:
        raise NotARunError(
            f"{directory} is a sweep of another plan, or of another {before.kind}: {len(lost)} "
            "points that were begun are not in this one. Leave PLAN out to go on as it was "
            "planned, or start a new sweep without --resume"
        )
    _write(directory, after.model_copy(update={"created": before.created}))


def _write(directory: Path, manifest: SweepManifest) -> None:
    try:
        source_of(directory, manifest.kind).write_bytes(Path(manifest.plan.target).read_bytes())
        for folder in ("blocks", "points"):
            (directory / folder).mkdir(exist_ok=True)
        write_durably(directory / PLAN, manifest.model_dump_json(indent=1))
    except OSError as error:
        raise OutputError(f"cannot write {directory}: {error.strerror}") from None


def refuse_changed(directory: Path) -> SweepManifest:
    """What the sweep has planned, if its points would still be comparable.

    Raises
    ------
    NotARunError
        If there is none, or the code that it executes has changed.
    """
    manifest = read_plan(directory)
    then = dict(manifest.versions)
    folder = Path(manifest.plan.target).parent
    now = {**versions_of(folder, str(then.get("source")), _code_now(manifest)), "at": str(folder)}
    if found := differences(then, now):
        raise NotARunError(
            f"{directory} cannot go on, because its points would not be comparable: "
            f"{'; '.join(found)}. Put that back, or start a new sweep: `mlbench sweep PLAN`"
        )
    return manifest


def _code_now(manifest: SweepManifest) -> dict[str, str]:
    """Hashes of the modules that a spec names, as they stand now."""
    from importlib.util import find_spec

    see_modules_beside(Path(manifest.plan.target))
    found = {}
    for name in manifest.versions.get("code") or {}:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            code = Path(spec.origin).read_bytes()
            found[name] = hashlib.sha256(code).hexdigest()[:16]
    return found
