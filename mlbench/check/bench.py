"""A whole benchmark: all problems of all its pipelines, or all their graphs."""

from __future__ import annotations

from collections.abc import Iterable

from mlbench.check.execution import wrong_stop, wrong_waits
from mlbench.check.graph import Graph
from mlbench.check.hardware import HERE, Hardware
from mlbench.check.pipeline import check_pipeline
from mlbench.check.telemetry import wrong_probes
from mlbench.errors import Problem, SpecError, nearest
from mlbench.spec import Benchmark

__all__ = ["chosen", "problems", "resolve", "resolve_pipeline"]


def problems(bench: Benchmark, hardware: Hardware = HERE, in_study: bool = False) -> list[Problem]:
    """Every mistake in a benchmark; empty if it can run here.

    Imports what the spec names, but opens nothing.

    Parameters
    ----------
    in_study
        Whether the rate of a load may be a share of a capacity that a study measures.

    Examples
    --------
    >>> from mlbench.spec import Benchmark, Pipeline
    >>> stages = {"a": {"uses": "synthetic.noop"}}
    >>> pipeline = Pipeline(data={"uses": "synthetic.itms"}, stages=stages)
    >>> for problem in problems(Benchmark(name="typo", pipelines={"p": pipeline})):
    ...     print(problem.key, problem.hint)
    pipelines.p.data.uses did you mean 'synthetic.items'?
    """
    found = [*wrong_stop(bench.stop, ()), *wrong_waits(bench), *wrong_probes(bench.telemetry)]
    for name, pipeline in bench.pipelines.items():
        found += check_pipeline(name, pipeline, hardware, in_study).problems
    return found


def chosen(bench: Benchmark, names: Iterable[str]) -> tuple[str, ...]:
    """The names, if all of them are pipelines of the benchmark.

    Raises
    ------
    SpecError
        With every one that is none, and the nearest that is.

    Examples
    --------
    >>> chosen(Benchmark(name="nobody"), [])
    ()
    """
    names = tuple(names)
    wrong = [
        Problem(("pipelines",), f"no pipeline is called {name!r}", nearest(name, bench.pipelines))
        for name in names
        if name not in bench.pipelines
    ]
    if wrong:
        raise SpecError(wrong)
    return names


def resolve(bench: Benchmark, hardware: Hardware = HERE) -> dict[str, Graph]:
    """The graphs of all pipelines, by name, as a run or a study has them.

    A load whose rate is a share of a capacity stands there at a rate of 1/s.

    Raises
    ------
    SpecError
        With every mistake, if there is one.
    """
    found, graphs = [*wrong_stop(bench.stop, ()), *wrong_waits(bench)], {}
    for name, pipeline in bench.pipelines.items():
        checked = check_pipeline(name, pipeline, hardware, in_study=True)
        found += checked.problems
        if checked.graph is not None:
            graphs[name] = checked.graph
    if found:
        raise SpecError(found)
    return graphs


def resolve_pipeline(bench: Benchmark, name: str) -> Graph:
    """The graph of one pipeline; imports only what that one names.

    Its placement is not held against the machine: a worker, which calls this, has been
    placed already and sees no more than its own processors and device.

    Raises
    ------
    SpecError
        With every mistake of the pipeline, or if there is no such one.
    """
    chosen(bench, (name,))
    checked = check_pipeline(name, bench.pipelines[name], None)
    if checked.graph is None:
        raise SpecError(checked.problems)
    return checked.graph
