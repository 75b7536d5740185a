"""Files that the builder writes: a spec, and what sweeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlbench.errors import OutputError
from mlbench.spec import Benchmark, Pipeline
from mlbench.spec.document import dump

__all__ = ["write_sweep", "write_text"]

Json = dict[str, Any]  # Any: JSON

SPEC, NOTEBOOK, PLAN = "bench.yml", "point.ipynb", "plan.yml"

FACTORS = [0.5, 1.0, 1.5]
"""By what the rates of a sweep's points are multiplied."""


def write_text(path: Path, text: str) -> Path:
    """Write a file that may be there already.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return path


def write_sweep(bench: Benchmark, directory: Path) -> Path:
    """Write a spec, a notebook that runs it with parameters, and a plan; return the plan's path.

    Raises
    ------
    OutputError
        If one of them is there already, or cannot be written.
    """
    for name in (SPEC, NOTEBOOK, PLAN):
        if (directory / name).exists():
            raise OutputError(f"{directory / name} is there already: choose another directory")
    write_text(directory / SPEC, bench.to_yaml())
    write_text(directory / NOTEBOOK, json.dumps(_notebook(bench), indent=1))
    return write_text(directory / PLAN, _plan(bench))


def _rated(pipeline: Pipeline) -> bool:
    return isinstance(pipeline.load.options.get("rate"), int | float)


def _plan(bench: Benchmark) -> str:
    grid: dict[str, Any] = {"seconds": [5.0]}  # Any: plain data
    if any(map(_rated, bench.pipelines.values())):
        grid = {"rate_factor": FACTORS}
    plan = {
        "name": bench.name,
        "notebook": NOTEBOOK,
        "parameters": {"fixed": {"quick": False}, "grid": grid},
        "repeats": 3,
        "seed_as": "seed",
        "runs_as": "out",
    }
    head = f"# mlbench sweep {PLAN}: the notebook for each point, in blocks of random order.\n\n"
    return head + dump(plan)


def _notebook(bench: Benchmark) -> Json:
    """Cells with fixed ids: the same benchmark gives the same bytes."""
    rated = [name for name, each in bench.pipelines.items() if _rated(each)]
    cells = [
        _prose(
            "title",
            f"# {bench.name}\n\nOne point of a sweep: the benchmark of `{SPEC}`, run once with the "
            "parameters below.\n\n"
            f"    papermill {NOTEBOOK} out.ipynb -p quick True",
        ),
        _code(
            "parameters",
            "quick: bool = True  # two seconds of load, to see that it runs\n"
            'out: str = "runs"  # the directory that gets the run\n'
            f"seed: int = {bench.seed}  # of arrivals and choices\n"
            "seconds: float = 30.0  # of load\n"
            "rate_factor: float = 1.0  # by what the rates of open loads are multiplied",
            tags=["parameters"],
        ),
        _code("benchmark", _changes(rated)),
        _code("run", "run = mb.start(bench, out).wait()\nrun.status"),
        _code("results", _results()),
        _code("figure", "mb.figures.latency(run)"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _prose(key: str, text: str) -> Json:
    return {"cell_type": "markdown", "id": key, "metadata": {}, "source": text}


def _code(key: str, text: str, tags: Sequence[str] = ()) -> Json:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": key,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": text,
    }


def _changes(rated: list[str]) -> str:
    return (
        "import mlbench as mb\n\n"
        f'spec = mb.load("{SPEC}").plain()\n'
        'spec |= {"seed": seed, "stop": {"seconds": 2.0 if quick else seconds}}\n'
        'for pipeline in spec["pipelines"].values():\n'
        '    pipeline.pop("stop", None)\n'
        f"for name in {rated!r}:\n"
        '    (options,) = spec["pipelines"][name]["load"].values()\n'
        '    options["rate"] *= rate_factor\n'
        "bench = mb.Benchmark(**spec)\n"
        "bench"
    )


def _results() -> str:
    return (
        "summary = run.summary()\n"
        'for name, pipeline in summary["pipelines"].items():\n'
        '    mb.record(f"{name}.latency_p50_ms", pipeline["latency_ms"]["p50"])\n'
        '    mb.record(f"{name}.achieved_rate", pipeline["achieved_rate"])\n'
        'summary["verdict"]'
    )
