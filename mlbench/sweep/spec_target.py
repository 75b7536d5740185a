"""A spec as the target of a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlbench.errors import Problem, SpecError
from mlbench.seed import derive
from mlbench.spec import Benchmark, Document
from mlbench.spec.edit import override
from mlbench.spec.request import named_modules, spec_hash
from mlbench.sweep.plan import Plan
from mlbench.sweep.target import MOST_TOLD, Values, see_modules_beside

__all__ = ["SpecTarget", "bench_of"]


class SpecTarget:
    """A spec; it is executed in the directory in which the plan is made, as ``run`` does."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = Path(plan.target)
        self._document = Document.read(self._path)
        self._benches: dict[str, Benchmark] = {}
        self.folder = Path.cwd()
        see_modules_beside(self._path)

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse paths and values that make no spec, or one that cannot run here."""
        found: dict[str, Problem] = {}
        for values in combinations:
            for problem in self._problems(values):
                found.setdefault(str(problem), _with(problem, values))
            if len(found) >= MOST_TOLD:
                break
        if found:
            raise SpecError(list(found.values()))

    def _problems(self, values: Values) -> list[Problem]:
        from mlbench.check import problems
        from mlbench.collocation.mistakes import mistakes

        try:
            bench = self._bench(values)
        except SpecError as error:
            return list(error.problems)
        found = mistakes(bench) if self._plan.kind == "study" else problems(bench)
        if bench.study.placements and self._plan.kind == "study":
            text = "has variants, and each would be a study of its own"
            found.append(Problem(("study", "placements"), text, "make them values of a parameter"))
        return self._document.located(found)

    def _bench(self, values: Values) -> Benchmark:
        key = json.dumps(values, sort_keys=True)
        if key not in self._benches:
            self._benches[key] = bench_of(self._document, values)
        return self._benches[key]

    def source(self) -> str:
        """Hash of the file as it stands."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]

    def hash_of(self, values: Values) -> str:
        """Of the spec with these parameters and all defaults."""
        return spec_hash(self._bench(values))

    def code(self) -> dict[str, str]:
        """The files of the modules that the specs name."""
        from mlbench.launch import code_of

        found = {}
        modules = {tuple(named_modules(bench)): bench for bench in self._benches.values()}
        for bench in modules.values():
            found.update({name: each.sha256 for name, each in code_of(bench)[1].items()})
        return found

    def seed_of(self, repeat: int, values: Values) -> int:
        """The spec's own in the first repeat, one that derives from it in each further one."""
        seed = self._bench(values).seed
        return seed if repeat == 0 else derive(seed, "repeat", repeat)


def bench_of(document: Document, values: Values) -> Benchmark:
    """The benchmark of a spec with parameters set, as ``--set`` sets them.

    Raises
    ------
    SpecError
        If a path leads nowhere, or a value is not what stands there.
    """
    assignments = [f"{path}={json.dumps(value)}" for path, value in values.items()]
    return override(document, assignments).benchmark()


def _with(problem: Problem, values: Values) -> Problem:
    """The problem, and with which parameters it is there."""
    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
    return replace(problem, message=f"{problem.message}, with {given}") if given else problem
