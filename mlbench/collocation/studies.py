"""Make a study, make one for each placement, or go on with one that was cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlbench.collocation.code import refuse_changed
from mlbench.collocation.conduct import Conductor, find_again, settle
from mlbench.collocation.design import treatments_of
from mlbench.collocation.draft import Draft
from mlbench.collocation.ledger import Ledger
from mlbench.collocation.mistakes import mistakes
from mlbench.collocation.variants import variants_of
from mlbench.collocation.watcher import Lines, Watcher
from mlbench.errors import NotARunError, Problem, SpecError
from mlbench.launch import new_directory
from mlbench.machine.fingerprint import fingerprint
from mlbench.spec import Benchmark, expect_benchmark
from mlbench.spec import Study as StudySpec
from mlbench.spec.problems import problems_of
from mlbench.store.kind import is_study
from mlbench.study.study import Study, open_study

__all__ = [
    "begun",
    "collocate",
    "collocate_placements",
    "drafted",
    "resume",
    "resumed",
    "with_study",
]


def collocate(
    bench: Benchmark,
    *,
    repeats: int | None = None,
    seconds: float | None = None,
    design: str | None = None,
    against: str | None = None,
    out: str | PathLike[str] = "runs",
    watcher: Watcher | None = None,
) -> Study:
    """Make a study of a benchmark, and return it when all its blocks are made.

    Each block has a fresh run of every treatment (each pipeline isolated, and them
    together), in random order, with the same arrivals. It takes about ``repeats`` times the
    number of treatments times ``seconds``. An interrupt closes the run that goes on;
    `resume` goes on from there.

    Parameters
    ----------
    repeats, seconds, design
        As in the spec's ``study`` section, in place of what it says.
    against
        The co-tenant that is turned up, for the design ``against``.
    out
        Directory that gets the study's directory.
    watcher
        Who looks on; default: a line on standard error for each run.

    Raises
    ------
    SpecError
        If the benchmark cannot be studied here, with every problem.
    EngineError
        If this system cannot measure.
    """
    wanted = with_study(
        expect_benchmark(bench), repeats=repeats, seconds=seconds, design=design, against=against
    )
    if wanted.study.placements:
        text = f"has {len(wanted.study.placements)} variants, and each is a study of its own"
        hint = "call mlbench.collocation.collocate_placements"
        raise SpecError([Problem(("study", "placements"), text, hint)])
    (study,) = _conducted(begun(wanted, out), watcher).values()
    return study


def collocate_placements(
    bench: Benchmark,
    *,
    repeats: int | None = None,
    seconds: float | None = None,
    out: str | PathLike[str] = "runs",
    watcher: Watcher | None = None,
) -> dict[str, Study]:
    """Make a study of each variant of ``study.placements``; their blocks are made in turn.

    Parameters and errors are those of `collocate`.
    """
    wanted = with_study(bench, repeats=repeats, seconds=seconds)
    return _conducted(begun(wanted, out), watcher)


def resume(
    path: str | PathLike[str],
    bench: Benchmark | None = None,
    *,
    repeats: int | None = None,
    watcher: Watcher | None = None,
) -> Study | dict[str, Study]:
    """Go on with a study that was cut off, and return it when all its blocks are made.

    What is there is kept. Made again are runs that were cut off, and those that others
    disturbed and whose ``attempts`` are not used up; it gives no run a fresh number of them.

    Parameters
    ----------
    path
        Directory of a study, or of the studies of several placements.
    bench
        The spec, needed where its stages live in a notebook or a script.
    repeats
        So many blocks in the end, if there are fewer.

    Raises
    ------
    NotARunError
        If there is no study, another process goes on with it, or its code has changed.
    """
    studies = _conducted(resumed(Path(path), bench, repeats), watcher)
    return next(iter(studies.values())) if is_study(Path(path)) else studies


def _conducted(ledgers: Mapping[str, Ledger], watcher: Watcher | None) -> dict[str, Study]:
    Conductor(ledgers, watcher or Lines()).conduct()
    return {variant: open_study(ledger.path) for variant, ledger in ledgers.items()}


# -- the directories ---------------------------------------------------------------------


def begun(bench: Benchmark, out: str | PathLike[str]) -> dict[str, Ledger]:
    """New studies of which nothing is made yet, by variant; ``""`` where there is one.

    Raises
    ------
    SpecError
        If the benchmark cannot be studied here, with every problem.
    OutputError
        If a directory cannot be made.
    """
    if found := mistakes(bench):
        raise SpecError(found)
    path, environment = new_directory(out, bench.name), fingerprint()
    ledgers: dict[str, Ledger] = {}
    for index, (variant, placed) in enumerate(variants_of(bench).items()):
        folder = path / _folder(index, variant) if variant else path
        folder.mkdir(exist_ok=True)
        treatments = treatments_of(placed, capacities=index == 0)
        ledgers[variant] = Ledger.new(folder, placed, treatments, environment, variant)
    return ledgers


def _folder(index: int, variant: str) -> str:
    """A name that every file system takes, in the order of the spec."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in variant)
    return f"{index:03d}-{safe}"


def resumed(
    path: Path, bench: Benchmark | None = None, repeats: int | None = None
) -> dict[str, Ledger]:
    """The studies of a directory, with what is missing planned again, by variant.

    Raises
    ------
    NotARunError
        If there is none, another process goes on with one, its code has changed, or it
        stands on a capacity that another study of its directory measures.
    """
    benches = () if bench is None else tuple(variants_of(bench).values())
    ledgers = [Ledger.read(folder, benches) for folder in _studies(path)]
    for ledger in ledgers:
        refuse_changed(ledger)
    for ledger in ledgers:
        settle(ledger)
    _planned_again(ledgers, repeats)
    for ledger in ledgers:
        ledger.open()
    return {ledger.variant: ledger for ledger in ledgers}


def drafted(path: Path, repeats: int | None = None) -> dict[str, Draft]:
    """What `resumed` would go on with, by variant; nothing is written, and no engine ended.

    Raises
    ------
    NotARunError
        As `resumed`.
    """
    ledgers = [Ledger.read(folder) for folder in _studies(path)]
    drafts = [Draft(each.path, each.manifest, each.bench) for each in ledgers]
    for draft in drafts:
        refuse_changed(draft)
    for draft in drafts:
        draft.settle()
    _planned_again(drafts, repeats)
    return {draft.variant: draft for draft in drafts}


def _studies(path: Path) -> list[Path]:
    found = [path] if is_study(path) else sorted(filter(is_study, _children(path)))
    if not found:
        raise NotARunError(f"{path} holds no study: `mlbench collocate SPEC` makes one")
    return found


def _planned_again(ledgers: Sequence[Ledger], repeats: int | None) -> None:
    """Plan what is missing, once it is known which runs were cut off."""
    find_again(ledgers)
    for ledger in ledgers:
        ledger.extend(repeats or 0)
        for block, treatment in ledger.missing():
            ledger.again(block, treatment)


def _children(path: Path) -> list[Path]:
    return [child for child in path.iterdir() if child.is_dir()] if path.is_dir() else []


def with_study(bench: Benchmark, **changes: Any) -> Benchmark:  # Any: fields of `Study`
    """The benchmark with other fields in its study; those that are null stay as they are.

    Raises
    ------
    SpecError
        If one of them is not what a study takes.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    fields = {**bench.study.plain(), **given}
    if given.get("design") not in (None, "against"):
        fields.pop("against", None)
    if "against" in given:
        before = {} if bench.study.against is None else bench.study.against.plain()
        fields.update(design="against", against={**before, "pipeline": given["against"]})
    try:
        return bench.model_copy(update={"study": StudySpec.model_validate(fields)})
    except ValidationError as error:
        found = problems_of(error, StudySpec)
        told = [Problem(("study", *each.path), each.message, each.hint) for each in found]
        raise SpecError(told) from None
