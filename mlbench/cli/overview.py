"""A benchmark that can run, as text: each pipeline with its load, place and graph."""

from __future__ import annotations

from collections.abc import Iterator

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlbench.check import resolve
from mlbench.cli.goal import stop_text
from mlbench.cli.load_text import load_text
from mlbench.cli.page import Page, name
from mlbench.cli.picture import picture
from mlbench.cli.place_text import harness_text, place_text
from mlbench.cli.text import one_line, plain
from mlbench.placements.cpus import divide_here
from mlbench.spec import Benchmark

__all__ = ["print_overview"]


def print_overview(bench: Benchmark, page: Page) -> None:
    """Print ``ok`` and every pipeline.

    Raises
    ------
    SpecError
        If the benchmark cannot run here.
    """
    graphs, places, rules = resolve(bench), divide_here(bench), bench.stop_rules()
    head = Text("ok", style="bold green")
    head.append(f"  {plain(bench.name)}", style="not bold default")
    page.print(head)
    page.print(Text(harness_text(places), style="dim"), soft_wrap=True)
    for key, graph in graphs.items():
        page.print()
        page.print(name(key, "bold underline"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        grid.add_row("load", f"{one_line(load_text(graph.spec.load), 60)}, {stop_text(rules[key])}")
        grid.add_row("place", place_text(places, key))
        grid.add_row("runs", ", ".join(_habits(bench, key)))
        page.print(Padding(grid, (0, 0, 0, 2), expand=False))
        page.print()
        for line in picture(graph):
            page.print(Padding(line, (0, 0, 0, 4), expand=False))


def _habits(bench: Benchmark, key: str) -> Iterator[str]:
    pipeline = bench.pipelines[key]
    yield pipeline.execution
    count = pipeline.warmup.queries
    yield f"{count} warm-up quer{'y' if count == 1 else 'ies'}"
    if pipeline.slo is not None:
        limits = pipeline.slo.model_dump(exclude_none=True)
        yield "slo " + ", ".join(
            f"{key.removesuffix('_ms').replace('latency', '')} {value:g} ms".strip()
            for key, value in limits.items()
        )
