"""Specs that differ in loose parameters: one is checked whole, of the others what differs.

A whole check takes a millisecond or two, and a plan has thousands of points. Most parameters
are **loose**: no other part of a spec depends on their values. The options of a stage, of data,
of a resource and of a load are loose, and the seed and the stop rule of the benchmark. A spec
that differs in these alone from one that was checked is right, too, if

- it validates, with what the two have in common taken over as it is;
- what takes the options takes them, and says of itself what the other one does: its class, the
  types that it takes and gives, its outputs. That is all that the graph around it knows of it;
- the checks of its stop rule and of its loads find no more than they found in the other.

Where one of these does not hold nothing is said: the whole check says what is wrong, if
anything is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlbench.check import problems
from mlbench.check.execution import needs_pipelined
from mlbench.check.find import find_choice, find_use
from mlbench.check.hardware import lacking
from mlbench.check.references import wrong_references
from mlbench.interfaces.load import LoadModel
from mlbench.interfaces.stage import Configurable, DataSource, Resource, Stage
from mlbench.spec import Benchmark, Load, Pipeline, Use
from mlbench.spec.edit import keys_of
from mlbench.sweep.spec_text import Keys, SpecText, put, shared
from mlbench.sweep.target import Values

__all__ = ["Family", "Member", "loose"]

KINDS: dict[str, type[Configurable]] = {
    "data": DataSource,
    "resources": Resource,
    "stages": Stage,
}
"""What stands in a section of a pipeline that has options."""


@dataclass(frozen=True)
class Member:
    """One spec of a family, as far as a point needs it.

    Parameters
    ----------
    seed
        Its own.
    hash
        What `mlbench.spec.request.spec_hash` gives.
    """

    seed: int
    hash: str


def loose(names: Iterable[str]) -> dict[str, Keys]:
    """The parameters on whose values no other part of a spec depends, with their keys.

    One that leads into another, or from which another leads on, is none of them.

    Examples
    --------
    >>> names = ["seed", "stop.queries", "pipelines.a.stages.s.with.k", "pipelines.a.place.cpus"]
    >>> list(loose([*names, "pipelines.a.load.steps.rates.0"]))
    ['seed', 'stop.queries', 'pipelines.a.stages.s.with.k']
    """
    every = {name: keys_of(name) or () for name in names}
    return {
        name: keys
        for name, keys in every.items()
        if _is_loose(keys) and sum(_overlap(keys, other) for other in every.values()) == 1
    }


def _is_loose(keys: Keys) -> bool:
    match keys:
        case ("seed",) | ("stop", _):
            return True
        case ("pipelines", _, "load", _, *options) if options != ["utilisation"]:
            pass
        case ("pipelines", _, "data", "with", *options):
            pass
        case ("pipelines", _, "resources" | "stages", _, "with", *options):
            pass
        case _:
            return False
    return bool(options) and not any(key.isdigit() for key in options)  # an index of a list


def _overlap(keys: Keys, other: Keys) -> bool:
    """Whether one begins with the other; each overlaps with itself."""
    return all(a == b for a, b in zip(keys, other, strict=False))


class Family:
    """Specs that differ from one that was checked, and is right, in loose parameters alone.

    Parameters
    ----------
    data, bench
        That one, as it was written and as it was validated.
    paths
        The keys of each loose parameter.
    """

    def __init__(
        self,
        data: dict[str, Any],  # Any: plain data
        bench: Benchmark,
        paths: Mapping[str, Keys],
    ) -> None:
        self._paths = paths
        template = shared(data, bench, list(paths.values()))
        self._template = template if Benchmark.model_validate(template) == bench else data
        self._text = SpecText(bench, list(paths.values()))
        named: dict[Keys, list[str]] = {}
        for name, keys in paths.items():
            named.setdefault(_part_of(keys), []).append(name)
        self._parts = [_Part(keys, names, bench) for keys, names in named.items() if keys]

    def member(self, values: Values) -> Member | None:
        """The one with these values; null where only the whole check can say whether it is right.

        Raises
        ------
        KeyError
            If a loose parameter has no value.
        """
        data = self._template
        for name, keys in self._paths.items():
            data = put(data, keys, _plain(values[name]))
        try:
            bench = Benchmark.model_validate(data)
        except ValidationError:
            return None
        if not all(part.is_alike(bench, values) for part in self._parts):
            return None
        return Member(bench.seed, self._text.hash(bench))


def _plain(value: Any) -> Any:  # Any: plain data
    """The value as it comes out of JSON: tuples are lists, keys are texts."""
    return json.loads(json.dumps(value)) if isinstance(value, dict | list | tuple) else value


def _part_of(keys: Keys) -> Keys:
    """The part of a spec that has to be looked at where this changes; the seed has none."""
    if keys == ("seed",):
        return ()
    if keys[0] == "stop":
        return keys[:1]
    return keys[:4] if keys[2] in ("resources", "stages") else keys[:3]


class _Part:
    """A part that loose parameters change, and what the check says of it where it is right."""

    def __init__(self, keys: Keys, names: Sequence[str], right: Benchmark) -> None:
        self._names = names
        self._told = _teller(keys, right)
        self._right = self._told(right)
        self._known: dict[str, bool] = {}

    def is_alike(self, bench: Benchmark, values: Values) -> bool:
        """Whether the check says the same of it in another spec of the family."""
        key = json.dumps([values[name] for name in self._names])
        if key not in self._known:
            self._known[key] = self._told(bench) == self._right
        return self._known[key]


def _teller(keys: Keys, right: Benchmark) -> Callable[[Benchmark], object]:
    """What says of a part what the check says of it, and what the part says of itself.

    What its options are given to is the same in all specs of the family: it is found once.
    """
    if keys == ("stop",):
        return _told_of_stop
    pipeline = right.pipelines[keys[1]]
    if keys[2] == "load":
        load = find_choice(_rated(pipeline.load), "loads", LoadModel, keys).kind
        assert load is not None  # it was checked
        return lambda bench: _told_of_load(load, bench.pipelines[keys[1]], keys)
    kind = find_use(_use(right, keys), KINDS[keys[2]], pipeline.resources, keys).kind
    assert kind is not None
    return lambda bench: _told_of_use(kind, _use(bench, keys), pipeline.resources, keys)


def _use(bench: Benchmark, keys: Keys) -> Use:
    pipeline, section = bench.pipelines[keys[1]], keys[2]
    use: Use = pipeline.data if section == "data" else getattr(pipeline, section)[keys[3]]
    return use


def _told_of_stop(bench: Benchmark) -> object:
    return problems(bench.model_copy(update={"pipelines": {}}))


def _told_of_load(kind: type[LoadModel], pipeline: Pipeline, keys: Keys) -> object:
    try:
        made = kind.model_validate(_rated(pipeline.load).options)
        return [*needs_pipelined(pipeline, made, keys[:2]), *lacking(made, keys)]
    except Exception as error:  # somebody's own code: the whole check tells it; equal to nothing
        return error


def _rated(load: Load) -> Load:
    """The load with a rate in place of a share of a capacity that nobody knows yet."""
    return load if load.utilisation is None else load.at(1.0)


def _told_of_use(
    kind: type[Configurable], use: Use, resources: Mapping[str, Use], keys: Keys
) -> object:
    wrong = list(wrong_references(kind, use.with_, resources, keys))
    try:
        made = kind.model_validate(use.with_)
        return wrong, type(made), _says(made)
    except Exception as error:  # somebody's own code: the whole check tells it; equal to nothing
        return error


def _says(made: Configurable) -> object:
    if isinstance(made, Stage):
        return made.takes, made.gives, made.routes()
    return made.given() if isinstance(made, DataSource) else None
