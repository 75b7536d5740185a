"""A study on one page: what it is, whether it holds, and what slowed down by how much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlbench.cli.footnotes import Footnotes
from mlbench.cli.numbers import significant
from mlbench.cli.page import Page, name
from mlbench.cli.tables import Column, fits, table_of
from mlbench.cli.text import plain
from mlbench.study.words import told

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["has_numbers", "print_study"]

STATUS_STYLES = {"done": "green", "failed": "red", "aborted": "red", "stopped": "yellow"}
SLOWDOWNS = (
    ("latency_p50", "p50"),
    ("latency_p90", "p90"),
    ("throughput", "throughput\nloss"),
    ("latency_mean", "mean latency"),
    ("latency_p99", "p99"),
)
"""Where the page is narrow those without a number go first, then the last ones."""

STAGES = (
    ("slowdown", "service_mean", "service\nmean, ×"),
    ("slowdown", "service_p50", "service\np50, ×"),
    ("slowdown", "service_p99", "service\np99, ×"),
    ("added_ms", "queueing_mean", "queueing\nmean, ms more"),
)
TOGETHER = (("stp", "STP"), ("antt", "ANTT"), ("jain", "Jain"), ("fairness", "fairness"))

TOLD = 20
"""How many attempts that were made again a page tells the reasons of."""

DATA = "data"
WAIT = (
    "fetching the item, the first that a query needs: its queueing is the wait until the pipeline "
    "as a whole takes the query, and no slowness of loading data"
)

FLOOR = re.compile(r"p\d+ needs \d+ (queries|spans)")
"""What a quantile needs; how many there are differs by block and by side."""

Json = Mapping[str, Any]
"""The summary of a study, or a part of it; Any: JSON."""


def print_study(study: Study, variant: str, summary: Json, page: Page) -> None:
    """Print the whole page of a study.

    Parameters
    ----------
    variant
        Of the placements; empty where there is one.
    """
    page.print(_header(study, variant, summary))
    page.print(_verdict(summary))
    if not has_numbers(summary):
        page.print(*_without_numbers(summary), sep="\n")
        return
    for answer in summary["answers"]:
        page.print(Text(plain(answer), style="bold"), Text(), sep="\n")
    notes = Footnotes()
    for table in (_slowdowns(summary, notes, page), *_parts(summary, notes)):
        page.print(table, Text(), sep="\n")
    for line in notes.lines():
        page.print(line)
    page.print(Text(_convention(summary), style="dim"))


# -- the head of the page ----------------------------------------------------------------


def has_numbers(summary: Json) -> bool:
    """Whether a block counts for one of the pipelines at least."""
    return any(each["blocks"] for each in _pipelines(summary).values())


def _pipelines(summary: Json) -> dict[tuple[str, str], Json]:
    """By treatment and name."""
    co_tenant = summary["design"].get("pipeline")  # of `against`: it is never alone
    return {
        (treatment, pipeline): found
        for treatment, each in summary["treatments"].items()
        for pipeline, found in each["pipelines"].items()
        if pipeline != co_tenant
    }


def _without_numbers(summary: Json) -> Iterator[Text]:
    """A line for each pipeline in the place of tables without a number."""
    for (treatment, pipeline), found in _pipelines(summary).items():
        outcome = f"{found['outcome']}; " if found["outcome"] else ""
        line = name(pipeline, "bold")
        line.append(f" in {plain(treatment)}: no slowdown: {outcome}{plain(str(found['reason']))}")
        yield line


def _header(study: Study, variant: str, summary: Json) -> RenderableType:
    title = name(study.bench.name + (f", {variant}" if variant else ""), "bold")
    title.append("  ")
    title.append(plain(summary["status"]), style=STATUS_STYLES.get(summary["status"], "cyan"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, text in _facts(study, summary):
        grid.add_row(key, Text(plain(text)))
    return Group(title, grid, Text())


def _facts(study: Study, summary: Json) -> Iterator[tuple[str, str]]:
    blocks, window = summary["blocks"], summary["window"]
    created = datetime.fromtimestamp(study.manifest.created)  # local time, of whoever reads
    yield "when", created.strftime("%Y-%m-%d %H:%M:%S")
    yield (
        "blocks",
        f"{blocks['valid']} valid of {summary['repeats']}, design {summary['design']['kind']}",
    )
    yield "runs", _runs(study, summary["attempts"])
    yield "window", f"{window['seconds']:g} s after {window['settle']:g} s"
    if summary["relaxed"]:
        yield "relaxed", f"less strict than usual: {'; '.join(summary['relaxed'])}"
    for pipeline, capacity in summary["capacity"].items():
        text = f"{pipeline} {significant(capacity['rate'])} queries/s ({capacity['how']})"
        yield "capacity", text
    yield "study", str(study.path)


def _runs(study: Study, attempts: Json) -> str:
    """``17 made, 2 INVALID, 2 made again (together 2 of 7)``."""
    ended = [run for run in study.manifest.runs if run.verdict is not None]
    invalid = sum(run.verdict == "INVALID" for run in ended)
    text = f"{attempts['made']} made, {invalid} INVALID, {attempts['discarded']} made again"
    again = [
        f"{treatment} {found['discarded']} of {found['made']}"
        for treatment, found in attempts["by_treatment"].items()
        if found["discarded"]
    ]
    return f"{text} ({', '.join(again)})" if again else text


def _discarded(attempts: Json) -> Iterator[str]:
    """Why each of them was, the first `TOLD` of them."""
    found = [why for each in attempts["by_treatment"].values() for why in each["reasons"]]
    yield from (f"made again: {why}" for why in found[:TOLD])
    if len(found) > TOLD:
        yield f"And {len(found) - TOLD} runs more were made again: --json has them."


def _verdict(summary: Json) -> RenderableType:
    valid = summary["verdict"] == "VALID"
    head = Text(plain(summary["verdict"]), style="bold green" if valid else "bold red")
    grid = Table.grid(padding=(0, 1))
    for reason in summary["reasons"]:
        grid.add_row("  -", Text(plain(reason)))
    discarded = _discarded(summary["attempts"])
    left_out = (f"left out: {note}" for note in summary["notes"])
    for note in (*left_out, *discarded):
        grid.add_row("  -", Text(plain(note), style="dim"))
    return Group(head, grid, Text()) if grid.row_count else Group(head, Text())


def _convention(summary: Json) -> str:
    interval = summary["interval"]
    share = f"{interval['confidence']:.0%}"
    return (
        "Slowdown, and what stands under ×, is together over alone, of throughput alone over "
        "together: above 1 is worse. "
        f"In brackets its {share} interval over blocks: {interval['kind']}."
    )


# -- tables ------------------------------------------------------------------------------


def _slowdowns(summary: Json, notes: Footnotes, page: Page) -> Table:
    """One row a pipeline of each treatment; fewer columns where the page is narrow."""
    rows = [(*place, found) for place, found in _pipelines(summary).items()]
    shown = list(SLOWDOWNS)
    spare = sorted(SLOWDOWNS, key=lambda metric: _is_empty(rows, metric[0]))
    while len(shown) > 2 and not fits(_slowdown_table(rows, shown, Footnotes()), page):
        shown.remove(spare.pop())
    table = _slowdown_table(rows, shown, notes)
    if len(shown) < len(SLOWDOWNS):
        left_out = ", ".join(
            title.replace("\n", " ") for key, title in SLOWDOWNS if (key, title) not in shown
        )
        table.caption = Text(f"not shown in this width: {left_out}", style="dim")
        table.caption_justify = "left"
    return table


def _is_empty(rows: Sequence[tuple[str, str, Json]], key: str) -> bool:
    """Whether no row has a number of it."""
    return all(found["slowdown"][key]["estimate"] is None for _, _, found in rows)


def _slowdown_table(
    rows: Sequence[tuple[str, str, Json]], metrics: Sequence[tuple[str, str]], notes: Footnotes
) -> Table:
    found = [each for _, _, each in rows]
    outcomes = [Text(plain(str(each["outcome"] or "-"))) for each in found]
    return table_of(
        [
            Column("treatment", [name(treatment) for treatment, _, _ in rows], "left"),
            Column("slowdown of", [name(pipeline, "bold") for _, pipeline, _ in rows], "left"),
            *(_slowdown(found, key, title, notes) for key, title in metrics),
            Column("outcome", outcomes, "left"),
        ]
    )


def _slowdown(rows: Sequence[Json], key: str, title: str, notes: Footnotes) -> Column:
    return Column(
        title, [_cell(row["slowdown"][key], notes, _reason(row, f"slowdown.{key}")) for row in rows]
    )


def _parts(summary: Json, notes: Footnotes) -> Iterator[Table]:
    """What the pipelines do together; the stages too, where there is one treatment."""
    treatments, rows = summary["treatments"], list(summary["treatments"].values())
    if summary["design"]["kind"] != "against":  # the co-tenant has no progress to add
        columns = [Column("treatment", [name(key) for key in treatments], "left")]
        for key, title in TOGETHER:
            cells = [_cell(row[key], notes, row["null_reasons"].get(key)) for row in rows]
            columns.append(Column(title, cells))
        yield table_of(columns)
    if len(rows) == 1:
        for pipeline, found in rows[0]["pipelines"].items():
            if found["stages"]:
                yield _stages(pipeline, found, notes)


def _stages(pipeline: str, found: Json, notes: Footnotes) -> Table:
    stages = found["stages"]
    names = [notes.cell(plain(key), WAIT if key == DATA else None) for key in stages]
    columns = [Column(f"stage of\n{plain(pipeline)}", names, "left")]
    for part, key, title in STAGES:
        cells = [
            _cell(stage[part][key], notes, _reason(found, f"stages.{label}.{part}.{key}"))
            for label, stage in stages.items()
        ]
        columns.append(Column(title, cells))
    return table_of(columns)


def _cell(estimate: Json, notes: Footnotes, reason: str | None) -> Text:
    """``2.01 (1.97 to 2.05)``; a dash with its reason where there is no number."""
    if estimate["estimate"] is None:
        return notes.cell(None, reason)
    text, bounds = told(estimate, significant)
    has_bounds = estimate["low"] is not None or estimate["high"] is not None
    return notes.cell(f"{text} ({bounds})" if has_bounds else text, reason)


def _reason(row: Json, key: str) -> str | None:
    """Why a value is null; the rows share a footnote where only the counts differ."""
    reason = row["null_reasons"].get(key) or row["reason"]
    if reason is None:
        return None
    floor = FLOOR.search(reason)
    return floor.group() if floor else str(reason)
