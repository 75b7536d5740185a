"""Tiny notebooks, specs and plans, and sweeps that take the machine as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.plan import Plan
from mlbench.sweep.planning import planned

ANYHOW = {"foreign_share": 1, "steal_share": 1}
"""What others do on the machine is not the subject of a test."""

PARAMETERS = """\
x: int = 1
mode = "ok"
size = (2, 3)
rate: float = 1
names: list[str] = []
out = "runs"
"""

BODY = """\
import os, time
print("began")
"""

WORK = """\
if mode == "fail":
    raise ValueError("as it was told")
if mode == "die":
    os._exit(3)
if mode == "hang":
    time.sleep(600)
import mlbench as mb
mb.record("square", x * x)
mb.record("size", repr(size))
"""


def notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook with these cells, the parameters first."""
    sources = [*([] if parameters is None else [parameters]), *(cells or (BODY, WORK))]
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "execution_count": None,
            "metadata": {"tags": ["parameters"]} if index == 0 and parameters else {},
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    document = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    path.write_text(json.dumps({**document, "nbformat_minor": 5}))
    return path


SPEC = """\
name: two
seed: 7
study: {seconds: 0.5, settle: 0, cooldown: 0, foreign_share: 1, steal_share: 1}
limits: {harness_share: 1, lateness_p99_ms: 1000}
stop: {queries: 5}
telemetry: off
pipelines:
  left: &loop
    data: {uses: synthetic.items}
    load: {closed: {concurrency: 1}}
    place: {device: cpu, cpus: [0], threads: 1}
    warmup: {queries: 0}
    stages: {wait: {uses: synthetic.sleep, with: {seconds: 0.01}}}
  right: *loop
"""


def spec(path: Path) -> Path:
    """A spec of two pipelines that sleep."""
    path.write_text(SPEC)
    return path


def plan(target: Path, **keys: Any) -> Plan:
    """A plan for a notebook, or for a spec, that takes the machine as it is."""
    kind = "notebook" if target.suffix == ".ipynb" else "spec"
    return Plan.model_validate({kind: str(target), "contamination": ANYHOW, **keys})


def manifest(target: Path, **keys: Any) -> SweepManifest:
    """What such a plan comes to."""
    return planned(plan(target, **keys))
