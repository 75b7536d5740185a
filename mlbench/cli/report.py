"""A run on one page: what it is, whether it holds, its tables, its failures, its outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlbench.analysis.moments import duration_s, phases_s, started_s
from mlbench.analysis.record import ENDED
from mlbench.cli.failed_queries import failed_shares, failure_rows
from mlbench.cli.footnotes import Footnotes
from mlbench.cli.load_text import load_text
from mlbench.cli.numbers import duration, significant
from mlbench.cli.page import Page, name
from mlbench.cli.stderr import last_lines
from mlbench.cli.tables import pipeline_tables, stage_table, token_tables
from mlbench.cli.text import one_line, plain
from mlbench.store.reader import Reader

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["STATUS_STYLES", "print_report"]

CONVENTION = (
    "Quantiles are numpy's inverted_cdf over queries due in the load phase; "
    "failed queries count as infinite."
)
OUTPUTS = 3
LOG_LINES = 8
INDENT = 2
SHORT_S = 0.05
"""A phase that took less is not told."""

STATUS_STYLES = {"done": "green", "failed": "red", "aborted": "red", "stopped": "yellow"}

Json = Mapping[str, Any]
"""A summary, a manifest, or a part of one; Any: JSON."""


def print_report(run: Run, summary: Json, page: Page) -> None:
    """Print the whole page of a run, live or ended."""
    manifest = run.manifest
    page.print(_header(run, manifest, summary))
    page.print(_verdict(summary))
    if failed := list(failed_shares(summary["pipelines"])):
        page.print(*failed, Text(), sep="\n")
    if not summary["pipelines"]:
        page.print(Text("no pipelines", style="dim"))
        return
    notes = Footnotes()
    loads = {
        key: one_line(load_text(pipeline.load), 32) for key, pipeline in run.bench.pipelines.items()
    }
    pipelines = summary["pipelines"]
    for table in (
        *pipeline_tables(pipelines, loads, notes, page),
        *token_tables(pipelines, notes, page),
    ):
        page.print(table, Text(), sep="\n")
    for key, pipeline in summary["pipelines"].items():
        folder = run.path / "pipelines" / Path(manifest["pipelines"][key]["folder"]).name
        page.print(name(key, "bold"))
        kinds = partial(_error_kinds, run, key)
        page.print(_indented(_pipeline(pipeline, folder, kinds, notes, page)))
        for row in islice(Reader(run.path).outputs(folder.name), OUTPUTS):
            page.print(_indented([_output(row, page.width - INDENT)]))
        page.print()
    for line in notes.lines():
        page.print(line)
    page.print(Text(CONVENTION, style="dim"))


# -- the head of the page ----------------------------------------------------------------


def _header(run: Run, manifest: Json, summary: Json) -> RenderableType:
    status = summary["status"]
    title = name(run.bench.name, "bold")
    title.append("  ")
    title.append(plain(status), style=STATUS_STYLES.get(status, "cyan"))
    if status not in ENDED:
        title.append("  still going", style="cyan")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, text in _facts(run, manifest, status not in ENDED):
        grid.add_row(key, Text(plain(text)))
    return Group(title, grid, Text())


def _facts(run: Run, manifest: Json, going: bool) -> Iterator[tuple[str, str]]:
    started = started_s(manifest)
    if started is not None:
        when = datetime.fromtimestamp(started).strftime("%Y-%m-%d %H:%M:%S")
        seconds = duration_s(manifest, going)
        took = "" if seconds is None else f", for {duration(seconds)}{_phases(manifest)}"
        yield "when", f"{when}{took}"
    if machine := manifest.get("machine"):
        yield "machine", _machine(machine)
    if run.request.spec_hash:
        yield "spec", run.request.spec_hash
    for note in (manifest.get("telemetry") or {}).get("notes", ()):
        yield "samples", str(note)
    yield "run", str(run.path)


def _phases(manifest: Json) -> str:
    """What the time went to, ``: setup 3.1 s, load 20 s``; phases that took none are left out."""
    took = {key: seconds for key, seconds in phases_s(manifest).items() if seconds >= SHORT_S}
    parts = [f"{plain(key)} {duration(seconds)}" for key, seconds in took.items()]
    return f": {', '.join(parts)}" if parts else ""


def _machine(machine: Json) -> str:
    """The machine in one line."""
    cpu, memory, software = machine["cpu"], machine["memory"], machine["software"]
    count = len(cpu.get("available") or ())
    total = memory.get("total_bytes")
    parts = [
        f"{cpu.get('model') or 'unknown processor'}, {count} processor{'s' * (count != 1)}",
        f"{total / 2**30:.1f} GiB" if total else "",
        _gpus(machine["gpus"].get("devices") or ()),
        f"{software.get('system')} {software.get('kernel')}",
    ]
    return ", ".join(part for part in parts if part)


def _gpus(devices: Any) -> str:  # Any: JSON
    names = [str(device.get("name") or "GPU") for device in devices]
    counts = {each: names.count(each) for each in names}
    shown = [each if count == 1 else f"{count} of {each}" for each, count in counts.items()]
    return ", ".join(shown) or "no GPU"


def _verdict(summary: Json) -> RenderableType:
    if summary["status"] not in ENDED:
        head = Text("NOT FINAL", style="bold yellow")
    elif summary["verdict"] == "VALID":
        head = Text("VALID", style="bold green")
    else:
        head = Text("INVALID", style="bold red")
    grid = Table.grid(padding=(0, 1))
    for reason in summary["reasons"]:
        grid.add_row("  -", Text(plain(reason)))
    return Group(head, grid, Text()) if summary["reasons"] else Group(head, Text())


# -- one pipeline ------------------------------------------------------------------------


def _indented(parts: Iterable[RenderableType]) -> RenderableType:
    return Padding(Group(*parts), (0, 0, 0, INDENT), expand=False)


def _pipeline(
    pipeline: Json, folder: Path, kinds: Callable[[], int], notes: Footnotes, page: Page
) -> Iterator[RenderableType]:
    yield from _findings(pipeline)
    yield from failure_rows(pipeline, kinds)
    if pipeline["status"] == "failed":
        yield from _log(folder)
    yield stage_table(pipeline, notes, page, INDENT)


def _error_kinds(run: Run, pipeline: str) -> int:
    """How many distinct errors its queries ended with: the summary has the most frequent."""
    queries = run.queries()
    ended = queries["measured"] & queries["outcome"].isin(("failed", "timed_out"))
    found = queries[ended & (queries["pipeline"] == pipeline)]
    return len(found[["error", "outcome"]].drop_duplicates())


def _findings(pipeline: Json) -> Iterator[Text]:
    if pipeline["reason"]:
        style = "red" if pipeline["status"] == "failed" else "yellow"
        yield Text(f"{pipeline['status']}: {plain(pipeline['reason'])}", style=style)
    if pipeline["saturated"]:
        yield Text(_saturated(pipeline["backlog_slope"]), style="yellow")
    if slo := pipeline["slo"]:
        yield Text(_slo(slo))
    for event, values in pipeline["events"].items():
        yield Text(f"{plain(event)}: {_values(values)}")
    for score, values in pipeline["scores"].items():
        yield Text(f"{plain(score)}: {_score(values)}")


def _saturated(slope: Json) -> str:
    low, high = slope.get("low"), slope.get("high")
    bounds = "" if low is None or high is None else f" ({significant(low)} to {significant(high)})"
    return (
        f"saturated: its backlog grew by {significant(slope['estimate'])}{bounds} queries/s, "
        "so its latency depends on how long one looks"
    )


def _values(values: Json) -> str:
    """How the values of an event began and ended: single ones say little."""
    if values["first_quarter"] is None:
        return f"mean {significant(values['mean'])} of {values['count']:,}"
    first, last = significant(values["first_quarter"]), significant(values["last_quarter"])
    return f"mean {first} in the first quarter of {values['count']:,}, {last} in the last"


def _score(values: Json) -> str:
    """The mean of a score with its 95 % interval, and over how many queries and items."""
    low, high = values["low"], values["high"]
    if low is None or high is None:
        mean = significant(values["mean"])
    else:
        mean = f"{values['mean']:.1%} (95% interval {low:.1%} to {high:.1%})"
    asked = "" if values["items"] == values["queries"] else f" with {values['items']:,} items"
    return f"{mean} of {values['queries']:,} queries{asked}"


def _slo(slo: Json) -> str:
    limit = _limits(slo)
    if slo["attainment"] is None:
        return f"slo: {limit}: no queries to count"
    goodput = "" if slo["goodput"] is None else f", goodput {significant(slo['goodput'])} queries/s"
    return f"slo: {slo['attainment']:.1%} of offered queries {limit}{goodput}"


def _limits(slo: Json) -> str:
    """``within 150 ms``; with limits on tokens, each by its name."""
    tokens = {"ttft_ms": "first token", "tpot_ms": "each further token"}
    parts = [f"within {slo['latency_ms']:g} ms"] if slo.get("latency_ms") else []
    parts += [f"{what} within {slo[key]:g} ms" for key, what in tokens.items() if slo.get(key)]
    return ", ".join(parts)


def _log(folder: Path) -> Iterator[Text]:
    """The end of what the worker wrote to its standard error."""
    lines = last_lines(folder, LOG_LINES)
    if lines:
        yield Text("the end of its stderr.log:", style="dim")
    for line in lines:
        yield Text(f"  {plain(line)}", style="dim", overflow="fold")


def _output(row: Json, width: int) -> Text:
    """One output of a sink in one line."""
    head = f"query {row.get('query')} ▸ {row.get('sink')}: "
    body = json.dumps(_rounded(row.get("output")), ensure_ascii=False)
    return Text(one_line(head + body, width), style="dim", no_wrap=True)


def _rounded(value: object) -> object:
    """The same with four digits of each float: more would push what matters off the line."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
