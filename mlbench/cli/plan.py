"""The plan of a study: its treatments, its runs, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from mlbench.cli.numbers import duration
from mlbench.cli.page import Page, name
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import plain
from mlbench.collocation.conduct import OVERHEAD_S
from mlbench.collocation.design import treatments_of
from mlbench.collocation.variants import variants_of
from mlbench.spec import Benchmark
from mlbench.study.layout import Treatment

__all__ = ["print_plan"]


def print_plan(bench: Benchmark, page: Page) -> None:
    """Print the treatments of a block, and how long the whole study takes if all goes well."""
    study, variants = bench.study, variants_of(bench)
    treatments = treatments_of(bench)
    compared = [each for each in treatments if each.role != "capacity"]
    runs = len(compared) * study.repeats * len(variants) + len(treatments) - len(compared)
    each_s = study.settle + study.seconds + study.cooldown + OVERHEAD_S
    page.print(name(bench.name, "bold"))
    page.print(_table(treatments))
    if list(variants) != [""]:
        page.print(Text(f"placements: {', '.join(map(plain, variants))}"))
    window = f"window {study.seconds:g} s after {study.settle:g} s (study: {{seconds, settle}})"
    page.print(Text(window))
    page.print(_total(study.repeats, runs, each_s, variants))
    if study.repeats < study.min_blocks:
        told = (
            f"{study.repeats} blocks cannot be VALID: that takes {study.min_blocks} "
            "(study: {repeats, min_blocks})"
        )
        page.print(Text(told, style="yellow"))


def _table(treatments: tuple[Treatment, ...]) -> Table:
    return table_of(
        (
            Column("treatment", [name(each.name) for each in treatments], "left"),
            Column("role", [Text(each.role) for each in treatments], "left"),
            Column("pipelines", [name(", ".join(each.pipelines)) for each in treatments], "left"),
        )
    )


def _total(repeats: int, runs: int, each_s: float, variants: Mapping[str, Benchmark]) -> Text:
    of = "" if len(variants) == 1 else f" of each of {len(variants)} placements"
    blocks = f"{repeats} block{'s' * (repeats != 1)}{of}"
    return Text(f"{blocks}, {runs} runs of about {duration(each_s)}: {duration(runs * each_s)}")
