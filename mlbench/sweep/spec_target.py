"""A spec as the target of a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from mlbench.check import problems
from mlbench.check.reading import read
from mlbench.collocation.mistakes import mistakes
from mlbench.errors import Problem, SpecError
from mlbench.seed import derive
from mlbench.spec import Benchmark, Document
from mlbench.spec.edit import override
from mlbench.spec.request import named_modules, spec_hash
from mlbench.sweep.family import Family, Member, loose
from mlbench.sweep.origin import placed
from mlbench.sweep.plan import Plan
from mlbench.sweep.spec_text import Keys
from mlbench.sweep.target import MOST_TOLD, Values, see_modules_beside
from mlbench.sweep.values import refuse_unreadable

__all__ = ["SpecTarget", "bench_of"]

MOST_WRONG = 200
"""Points that are found wrong before the rest is left alone: each costs a whole check."""


class SpecTarget:
    """A spec; it is executed in the directory in which the plan is made, as ``run`` does."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = Path(plan.target)
        self._document = read(self._path)
        self._loose: dict[str, Keys] = {}
        self._tight: list[str] = []
        self._families: dict[str, Family] = {}
        self._named: dict[tuple[str, ...], Benchmark] = {}
        self._members: list[Member] = []
        self.folder = Path.cwd()
        see_modules_beside(self._path)

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse paths and values that make no spec, or one that cannot run here."""
        refuse_unreadable(self._plan)
        self._loose = loose(combinations[0])
        self._tight = [name for name in combinations[0] if name not in self._loose]
        found: dict[str, Problem] = {}
        wrong = 0
        for values in combinations:
            try:
                self._members.append(self._member(values))
            except SpecError as error:
                wrong += 1
                for problem in error.problems:
                    if str(problem) not in found:
                        found[str(problem)] = placed(problem, values, self._plan, self._problems)
            if len(found) >= MOST_TOLD or wrong >= MOST_WRONG:
                break
        if found:
            raise SpecError(list(found.values()))

    def _member(self, values: Values) -> Member:
        """The spec of a point, checked: by what others have shown already, or as a whole.

        Raises
        ------
        SpecError
            With every mistake in it.
        """
        key = json.dumps([values[name] for name in self._tight])
        family = self._families.get(key)
        if family is not None and (member := family.member(values)) is not None:
            return member
        document, bench = self._checked(values)
        self._named.setdefault(tuple(named_modules(bench)), bench)
        if family is None and self._loose and not self._is_several(bench):
            self._families[key] = Family(document.data, bench, self._loose)
        return Member(bench.seed, spec_hash(bench))

    def _checked(self, values: Values) -> tuple[Document, Benchmark]:
        document = _edited(self._document, values)
        bench = document.benchmark()
        if found := self._mistakes(bench):
            raise SpecError(document.located(found))
        return document, bench

    def _problems(self, values: Values) -> Sequence[Problem]:
        try:
            self._checked(values)
        except SpecError as error:
            return error.problems
        return ()

    def _is_several(self, bench: Benchmark) -> bool:
        """Whether a study makes further specs of it, by turning an option of its own."""
        return self._plan.kind == "study" and bench.study.against is not None

    def _mistakes(self, bench: Benchmark) -> list[Problem]:
        if self._plan.kind != "study":
            return problems(bench)
        found = mistakes(bench)
        if bench.study.placements:
            text = "has variants, and each would be a study of its own"
            found.append(Problem(("study", "placements"), text, "make them values of a parameter"))
        return found

    def source(self) -> str:
        """Hash of the file as it stands."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]

    def hash_of(self, combination: int) -> str:
        """Of the spec with these parameters and all defaults."""
        return self._members[combination].hash

    def code(self) -> dict[str, str]:
        """The files of the modules that the specs name."""
        from mlbench.launch import code_of

        found = {}
        for bench in self._named.values():
            found.update({name: each.sha256 for name, each in code_of(bench)[1].items()})
        return found

    def seed_of(self, repeat: int, combination: int) -> int:
        """The spec's own in the first repeat, one that derives from it in each further one."""
        seed = self._members[combination].seed
        return seed if repeat == 0 else derive(seed, "repeat", repeat)


def bench_of(document: Document, values: Values) -> Benchmark:
    """The benchmark of a spec with parameters set, as ``--set`` sets them.

    Raises
    ------
    SpecError
        If a path leads nowhere, or a value is not what stands there.
    """
    return _edited(document, values).benchmark()


def _edited(document: Document, values: Values) -> Document:
    texts = (f"{path}={json.dumps(each, ensure_ascii=False)}" for path, each in values.items())
    return override(document, texts)
