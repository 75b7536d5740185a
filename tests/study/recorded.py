"""Study directories as an engine and a conductor would leave them, from tables made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from virtual import MINIMAL, MS, SECOND, Traffic, served

from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, NULL, SPANS, Table
from mlbench.spec import Benchmark, Request, Window
from mlbench.store.kind import STUDY
from mlbench.store.layout import MANIFEST, REQUEST, write_json
from mlbench.store.writer import StreamWriter
from mlbench.study.layout import RunEntry, StudyManifest, Treatment, alone, run_directory
from mlbench.study.study import Study

WINDOW = Window(settle=0, seconds=10)
INSTANT = {"monotonic_ns": 0, "realtime_ns": 0}


def written(path: Path, table: Table, columns: Mapping[str, Any]) -> None:
    """Write a table with the store's own writer; what is left out is null or zero."""
    count, links, texts = len(columns["query" if "query" in columns else "span"]), {}, {}
    rows = np.zeros((count, len(table.columns)), dtype=np.int64)
    for index, column in enumerate(table.columns):
        values = columns.get(column.name)
        if column.kind == "list<int64>":
            lists = values or [[]] * count
            rows[:, index] = [each[0] if each else NULL for each in lists]
            links = {
                span: list(each[1:])
                for span, each in zip(columns["span"], lists, strict=True)
                if len(each) > 1
            }
        elif column.kind == "utf8":
            told = values or [None] * count
            rows[:, index] = [text is not None for text in told]
            texts = {q: t for q, t in zip(columns["query"], told, strict=True) if t is not None}
        elif column.kind == "float64":
            rows[:, index] = np.zeros(count).view(np.int64)
        elif values is not None:
            rows[:, index] = [NULL if value is None else value for value in values]
        elif column.nullable:
            rows[:, index] = NULL
    writer = StreamWriter(path, table)
    for begin in range(0, count, 1000):
        writer.write(rows[begin : begin + 1000], links, texts)
    writer.close()


@dataclass(frozen=True)
class Made:
    """One run: what each of its pipelines recorded, and what its files say of it."""

    pipelines: Mapping[str, Traffic]
    status: str = "done"
    reasons: Sequence[str] = ()
    verdict: str = "VALID"
    told: Sequence[str] = ()
    machine: str = "m"
    version: str = "1.0"
    request: Mapping[str, Any] = field(default_factory=dict)


def run_written(path: Path, bench: Benchmark, made: Made, block: int, window: Window) -> None:
    """One run directory."""
    path.mkdir(parents=True)
    request = Request(bench=bench, only=tuple(made.pipelines), block=block, window=window)
    write_json(path / REQUEST, {**request.complete(), **made.request})
    begin, end = window.bounds_ns(0)
    write_json(
        path / MANIFEST,
        {
            "format": 1,
            "status": made.status,
            "reasons": list(made.reasons),
            "engine": {"pid": 1, "start_ticks": 0, "boot_id": "none"},
            "clock": {"begin": INSTANT, "end": INSTANT},
            "barrier_ns": 0,
            "window": {"begin_ns": begin, "end_ns": end},
            "phases": [],
            "harness": {},
            "machine": {"identity": made.machine, "software": {"mlbench": made.version}},
            "pipelines": {name: _entry(name, each) for name, each in made.pipelines.items()},
        },
    )
    codes = {name: code for code, name in enumerate(made.pipelines)}
    sent = [{**t.dispatch, "pipeline": codes[n]} for n, t in made.pipelines.items()]
    written(path / "dispatch.arrow", DISPATCH, _joined(sent))
    for name, traffic in made.pipelines.items():
        folder = path / "pipelines" / name
        folder.mkdir(parents=True)
        written(folder / "completions.arrow", COMPLETIONS, traffic.completions)
        written(folder / "spans.arrow", SPANS, {"span": [], **traffic.spans})
        written(folder / "events.arrow", EVENTS, traffic.events or {"span": []})


def _joined(tables: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {c.name: [] for c in DISPATCH.columns}
    for table in tables:
        count = len(table["query"])
        for name in found:
            values = table.get(name, [0] * count)
            found[name] += [values] * count if isinstance(values, int) else list(values)
    return found


def _entry(name: str, traffic: Traffic) -> dict[str, Any]:
    load = {"kind": traffic.kind, "begin_ns": traffic.begin_ns, "end_ns": traffic.end_ns}
    entry = {"status": "done", "reason": None, "folder": name, "stages": list(traffic.stages)}
    more = {"routes": [], "events": list(traffic.event_names), "placement": {}}
    return {**entry, **more, "load": load, "timed_out": [], "stalled_ns": 0, **traffic.manifest}


@dataclass(frozen=True)
class Plan:
    """What a study directory is written from.

    Parameters
    ----------
    blocks
        For each block its runs by treatment.
    treatments
        Default: each pipeline of ``together`` alone, and that.
    """

    blocks: Sequence[Mapping[str, Made]]
    treatments: Sequence[Treatment] = ()
    study: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    pipelines: Mapping[str, Any] = field(default_factory=dict)
    window: Window = WINDOW
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def bench(self) -> Benchmark:
        """The spec of the study."""
        names = {
            name for block in self.blocks for made in block.values() for name in made.pipelines
        }
        specs = {name: {**MINIMAL, **self.pipelines.get(name, {})} for name in sorted(names)}
        data = {"name": "made", "study": self.study, "limits": self.limits, "pipelines": specs}
        return Benchmark.model_validate(data)

    def write(self, path: Path) -> Study:
        """The study in a directory."""
        path.mkdir(parents=True, exist_ok=True)
        bench, runs = self.bench(), []
        for number, block in enumerate(self.blocks):
            for treatment, made in block.items():
                place = run_directory(number, treatment, 0)
                run_written(path / place, bench, made, number, self.window)
                runs.append(_run_entry(number, treatment, made, place))
        treatments = self.treatments or group(self.blocks[0])
        manifest = StudyManifest(
            spec=bench, seed=0, design={"kind": "group"}, repeats=len(self.blocks),
            window=self.window, treatments=tuple(treatments), runs=tuple(runs), status="done",
        )  # fmt: skip
        write_json(path / STUDY, {**manifest.complete(), **self.manifest})
        return Study(path)


def _run_entry(number: int, treatment: str, made: Made, place: str) -> RunEntry:
    return RunEntry(
        block=number, treatment=treatment, attempt=0, directory=place,
        verdict=made.verdict, reasons=tuple(made.told), status=made.status,
    )  # fmt: skip


def group(block: Mapping[str, Made]) -> list[Treatment]:
    """The treatments of a group: those with one pipeline are isolated."""
    return [
        Treatment(
            name=name,
            pipelines=tuple(made.pipelines),
            role="isolated" if name.startswith("alone-") else "collocated",
        )
        for name, made in block.items()
    ]


def blocks_of(
    isolated: Mapping[str, Sequence[Traffic]], together: Mapping[str, Sequence[Traffic]]
) -> list[dict[str, Made]]:
    """Blocks of a group, from the traffic of each pipeline in each block."""
    count = len(next(iter(together.values())))
    return [
        {
            **{alone(name): Made({name: each[i]}) for name, each in isolated.items()},
            "together": Made({name: each[i] for name, each in together.items()}),
        }
        for i in range(count)
    ]


def steady(service_ms: float = 1.0, count: int = 100, **keys: Any) -> Traffic:
    """Evenly spaced queries over the window, none of which waits for another."""
    due = np.arange(count) * (10 * SECOND // count)
    return served(due, round(service_ms * MS), end_ns=10 * SECOND, **keys)


def slowed(*factors: float, blocks: int = 5, **keys: Any) -> list[dict[str, Made]]:
    """Blocks of a group of ``rag`` and ``train``, in which rag takes so many times as long.

    With one factor for each block, or one for all.
    """
    each = factors if len(factors) == blocks else factors * blocks
    alone = [steady(1 + i / 100, **keys) for i in range(blocks)]
    together = [steady((1 + i / 100) * factor, **keys) for i, factor in enumerate(each)]
    train = [steady(2)] * blocks
    return blocks_of({"rag": alone, "train": train}, {"rag": together, "train": train})


def changed(blocks: list[dict[str, Made]], block: int, treatment: str, made: Made) -> Any:
    """The same blocks with another run in one place."""
    return [{**each, treatment: made} if i == block else each for i, each in enumerate(blocks)]
