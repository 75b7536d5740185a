"""The library for a program that builds specs: what each name takes, and what fits what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from mlbench.check.ports import describe, fits
from mlbench.errors import RegistryError
from mlbench.interfaces.load import LoadModel
from mlbench.interfaces.placement import PlacementMethod
from mlbench.interfaces.stage import Configurable, DataSource, Stage, class_of
from mlbench.library.catalogue import described, described_load
from mlbench.library.docstring import docstring_of
from mlbench.registry import find, names
from mlbench.spec import Benchmark
from mlbench.spec.pipeline import SLO, Data, Pipeline, Placement, Stop, Warmup
from mlbench.spec.stages import StageSpec
from mlbench.spec.study import Study

__all__ = ["forms", "loads", "refused", "sharings", "stages"]

Json = dict[str, Any]  # Any: JSON

SECTIONS: Mapping[str, type[BaseModel]] = {
    "benchmark": Benchmark,
    "pipeline": Pipeline,
    "stage": StageSpec,
    "data": Data,
    "stop": Stop,
    "warmup": Warmup,
    "slo": SLO,
    "place": Placement,
    "study": Study,
}
"""The sections of a spec that somebody fills in, by the key that they stand under."""


def stages() -> list[Json]:
    """All stages, data sets and resources, sorted by name; one that does not import says why."""
    return [_stage(name) for name in names("stages")]


def _stage(name: str) -> Json:
    family = name.partition(".")[0]
    try:
        told = described(name)
    except RegistryError as error:
        return {"name": name, "family": family, "kind": "stage", "problem": str(error)}
    found = class_of(find("stages", name))
    assert found is not None  # it was described
    return {
        "name": name,
        "family": family,
        "kind": told.kind,
        "summary": _summary(told.documentation),
        "documentation": told.documentation,
        "takes": told.takes,
        "gives": told.gives,
        "outputs": told.outputs,
        "schema": schema_of(found),
        "problem": None,
        "example": told.example,
    }


def loads() -> list[Json]:
    """All loads, sorted by name."""
    return [_load(name) for name in names("loads")]


def _load(name: str) -> Json:
    told, kind = described_load(name), find("loads", name)
    assert isinstance(kind, type)  # it was described
    assert issubclass(kind, LoadModel)
    return {
        "name": name,
        "kind": told.kind,
        "summary": _summary(told.documentation),
        "documentation": told.documentation,
        "schema": schema_of(kind),
    }


def sharings() -> list[Json]:
    """All placement methods for a device, sorted by name."""
    return list(_sharings())


def _sharings() -> Iterator[Json]:
    for name in names("placements"):
        kind = find("placements", name)
        if isinstance(kind, type) and issubclass(kind, PlacementMethod):
            summary = _summary(docstring_of(kind).text)
            yield {"name": name, "summary": summary, "schema": schema_of(kind)}


def forms() -> Json:
    """A JSON schema of each section of a spec, with what is said of each field."""
    return {name: schema_of(model) for name, model in SECTIONS.items()}


def schema_of(model: type[BaseModel]) -> Json:
    """The JSON schema of a configuration, its fields described by the docstring."""
    try:
        schema: Json = model.model_json_schema()
    except PydanticInvalidForJsonSchema:  # a type of the stage's own: any JSON may stand there
        schema = {"type": "object", "properties": {name: {} for name in model.model_fields}}
    told = docstring_of(model).parameters
    for name, field in schema.get("properties", {}).items():
        if text := told.get(name, ""):
            field.setdefault("description", text)
    return schema


def refused() -> Json:
    """What surely does not fit: by giver and taker, why.

    A giver is a stage or a data set, or ``name:output`` for an output of a router. Who is
    not there fits, as far as types tell; a whole spec is checked by `mlbench.check`.
    """
    classes = dict(_classes())
    takers = {name: kind.takes for name, kind in classes.items() if issubclass(kind, Stage)}
    found: Json = {}
    for giver, gives in _given(classes):
        for taker, takes in takers.items():
            if not fits(gives, takes):
                text = f"{giver} gives {describe(gives)}, but {taker} takes {describe(takes)}"
                found.setdefault(giver, {})[taker] = text
    return found


def _given(classes: Mapping[str, type[Configurable]]) -> Iterator[tuple[str, object]]:
    for name, kind in classes.items():
        if issubclass(kind, Stage | DataSource):
            yield name, kind.gives
        if issubclass(kind, Stage):
            yield from ((f"{name}:{output}", gives) for output, gives in kind.outputs.items())


def _classes() -> Iterator[tuple[str, type[Configurable]]]:
    for name in names("stages"):
        try:
            found = class_of(find("stages", name))
        except RegistryError:
            continue  # `stages` says why
        if found is not None:
            yield name, found


def _summary(documentation: str) -> str:
    return " ".join(documentation.partition("\n\n")[0].split())
