"""The plan of a study: its treatments, its runs, where they are placed, and how long they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from mlbench.check.hardware import ranges
from mlbench.cli.numbers import duration
from mlbench.cli.page import Page, name
from mlbench.cli.place_text import harness_text, place_text, together_hint
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import plain
from mlbench.collocation.design import CAPACITY, treatments_of
from mlbench.collocation.draft import Draft
from mlbench.collocation.forecast import few_queries
from mlbench.collocation.pace import planned_s
from mlbench.collocation.variants import variants_of
from mlbench.placements.cpus import divide_here
from mlbench.spec import Benchmark
from mlbench.study.layout import Treatment
from mlbench.study.reach import reach_of

__all__ = ["print_left", "print_plan"]


def print_plan(bench: Benchmark, page: Page) -> None:
    """Print the treatments of a block, and how long the whole study takes if all goes well."""
    study, variants = bench.study, variants_of(bench)
    treatments = treatments_of(bench)
    compared = [each for each in treatments if each.role != CAPACITY]
    runs = len(compared) * study.repeats * len(variants) + len(treatments) - len(compared)
    page.print(name(bench.name, "bold"))
    page.print(_table(treatments))
    page.print()
    for variant, placed in variants.items():
        _print_places(variant, placed, page)
    page.print()
    _print_window(bench, page)
    page.print(Text(f"{_blocks(study.repeats, variants)}, {_total(runs, planned_s(study))}"))
    for warning in _warnings(bench):
        page.print(Text(plain(warning), style="yellow"))


def print_left(drafts: Mapping[str, Draft], page: Page) -> None:
    """Print what is left of a study that somebody means to go on with.

    Parameters
    ----------
    drafts
        By variant of the placements.
    """
    for variant, draft in drafts.items():
        title = name(draft.bench.name + (f", {variant}" if variant else ""), "bold")
        page.print(title)
        if draft.waiting:
            page.print(_table_left(draft))
        page.print(Text(_standing(draft)))
    first = next(iter(drafts.values()))
    waiting = sum(draft.waiting for draft in drafts.values())
    if not waiting:
        page.print(Text("nothing is left to be made: --repeats N adds blocks"))
        return
    _print_window(first.bench, page)
    page.print(Text(_total(waiting, planned_s(first.bench.study))))
    for variant, draft in drafts.items():
        if (told := _out_of_reach(variant, draft)) is not None:
            page.print(Text(told, style="yellow"))


def _table(treatments: Sequence[Treatment]) -> Table:
    return table_of(_columns(treatments))


def _table_left(draft: Draft) -> Table:
    """The treatments of which runs are left, and in which blocks."""
    left = [run for run in draft.manifest.runs if run.status == "planned"]
    blocks: dict[str, list[int]] = {}
    for run in left:
        blocks.setdefault(run.treatment, []).append(run.block + 1)
    treatments = [each for each in draft.manifest.treatments if each.name in blocks]
    runs = [Text(str(len(blocks[each.name]))) for each in treatments]
    where = [Text(ranges(frozenset(blocks[each.name]))) for each in treatments]
    return table_of(
        [*_columns(treatments), Column("runs left", runs), Column("of block", where, "left")]
    )


def _columns(treatments: Sequence[Treatment]) -> list[Column]:
    return [
        Column("treatment", [name(each.name) for each in treatments], "left"),
        Column("role", [Text(each.role) for each in treatments], "left"),
        Column("pipelines", [name(", ".join(each.pipelines)) for each in treatments], "left"),
    ]


def _standing(draft: Draft) -> str:
    """``5 of 9 runs are made: 4 VALID, 1 INVALID; 1 of 3 blocks is VALID``."""
    made = [run.verdict for run in draft.manifest.runs if run.verdict is not None]
    count = Counter(made)
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in ("VALID", "INVALID"))
    whole, repeats = draft.valid_blocks, draft.manifest.repeats
    return (
        f"{len(made)} of {len(draft.manifest.runs)} runs are made: {told}; "
        f"{whole} of {repeats} blocks {'is' if whole == 1 else 'are'} whole"
    )


def _out_of_reach(variant: str, draft: Draft) -> str | None:
    reach = reach_of(draft.manifest)
    if reach.valid:
        return None
    of = f"{variant}: " if variant else ""
    needed = "" if reach.needed is None else f", that takes --repeats {reach.needed} or more"
    return f"{of}{reach.repeats} blocks cannot be VALID any more{needed}"


def _print_places(variant: str, bench: Benchmark, page: Page) -> None:
    """Where each pipeline runs, alone as together, and where it is measured from."""
    places = divide_here(bench)
    if variant:
        page.print(Text(f"placement {plain(variant)}", style="bold"))
    keys = list(places)
    page.print(
        table_of(
            [
                Column("pipeline", [name(key) for key in keys], "left"),
                Column("place", [Text(place_text(places, key)) for key in keys], "left"),
            ]
        )
    )
    page.print(Text(harness_text(places), style="dim"))
    if (hint := together_hint(bench, places)) is not None:
        page.print(Text(hint, style="dim"))


def _print_window(bench: Benchmark, page: Page) -> None:
    study = bench.study
    window = f"window {study.seconds:g} s after {study.settle:g} s (study: {{seconds, settle}})"
    page.print(Text(window))


def _blocks(repeats: int, variants: Mapping[str, Benchmark]) -> str:
    of = "" if len(variants) == 1 else f" of each of {len(variants)} placements"
    return f"{repeats} block{'s' * (repeats != 1)}{of}"


def _total(runs: int, each_s: float) -> str:
    return (
        f"{runs} run{'s' * (runs != 1)} of about {duration(each_s)}: {duration(runs * each_s)}, "
        "and the setup of the stages in each run comes on top"
    )


def _warnings(bench: Benchmark) -> Iterator[str]:
    """What is known beforehand to leave the study without a verdict, or without a number."""
    study = bench.study
    if study.repeats < study.min_blocks:
        yield (
            f"{study.repeats} blocks cannot be VALID: that takes {study.min_blocks} "
            "(study: {repeats, min_blocks})"
        )
    first = next(iter(variants_of(bench).values()))
    yield from few_queries(first)
