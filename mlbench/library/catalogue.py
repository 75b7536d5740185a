"""The libraries of stages and loads as data: what is registered, and what each one takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import PydanticUndefined

from mlbench.check.ports import describe
from mlbench.errors import Problem, RegistryError, SpecError
from mlbench.interfaces.load import LoadModel, OpenLoad
from mlbench.interfaces.stage import Configurable, DataSource, Resource, Stage, class_of
from mlbench.library.docstring import docstring_of
from mlbench.library.types import type_text
from mlbench.registry import find, names

__all__ = [
    "Described",
    "Field",
    "Listed",
    "described",
    "described_load",
    "fields_of",
    "listed",
    "listed_loads",
]


@dataclass(frozen=True)
class Listed:
    """One name of the library: its kind and the first line of its docstring, or its problem."""

    name: str
    kind: str | None
    summary: str
    problem: str | None = None


@dataclass(frozen=True)
class Field:
    """One field of a configuration.

    Parameters
    ----------
    default
        Null where the field is required, and where it holds fields of its own.
    section
        Where those are explained.
    """

    name: str
    type: str
    required: bool
    default: object
    description: str
    section: str | None = None


@dataclass(frozen=True)
class Described:
    """Everything about one stage, data set, resource or load.

    Parameters
    ----------
    documentation
        Its docstring, without the sections of that.
    takes, gives
        Types of its payload; null where it has none.
    outputs
        Of a router: type by output; null where its configuration names them.
    """

    name: str
    kind: str
    documentation: str
    fields: tuple[Field, ...]
    takes: str | None
    gives: str | None
    outputs: Mapping[str, str] | None
    example: str

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """The same as JSON data."""
        return asdict(self)


def listed() -> list[Listed]:
    """All names, sorted; one that does not import says why."""
    return [_listed(name) for name in names("stages")]


def listed_loads() -> list[Listed]:
    """All loads, sorted; one that does not import says why."""
    return [_listed_load(name) for name in names("loads")]


def _listed(name: str) -> Listed:
    try:
        found = class_of(find("stages", name))
    except RegistryError as error:
        return Listed(name, None, "", str(error))
    if found is None:
        return Listed(name, None, "", "it is no stage, data set or resource")
    return Listed(name, _kind(found), _first_paragraph(found))


def _listed_load(name: str) -> Listed:
    try:
        found = _load_named(name)
    except (RegistryError, SpecError) as error:
        return Listed(name, None, "", str(error))
    return Listed(name, _kind_of_load(found), _first_paragraph(found))


def _first_paragraph(found: type) -> str:
    return " ".join(docstring_of(found).text.partition("\n\n")[0].split())


def described(name: str) -> Described:
    """What there is to know about one name, a registered one or ``module:object``.

    Raises
    ------
    SpecError
        If nothing has that name; with the nearest one.
    RegistryError
        If its module does not import.
    """
    try:
        found = class_of(find("stages", name))
    except LookupError as error:
        raise SpecError([Problem((), f"there is no stage {name!r}", str(error))]) from None
    if found is None:
        raise SpecError([Problem((), f"{name!r} is no stage, data set or resource")])
    fields = fields_of(found)
    return Described(
        name=name,
        kind=_kind(found),
        documentation=docstring_of(found).text,
        fields=fields,
        takes=describe(found.takes) if issubclass(found, Stage) else None,
        gives=describe(found.gives) if issubclass(found, Stage | DataSource) else None,
        outputs=_outputs(found),
        example=found.example or _example(name, found, fields),
    )


def described_load(name: str) -> Described:
    """What there is to know about one load, a registered one or ``module:object``.

    Raises
    ------
    SpecError
        If no load has that name; with the nearest one.
    RegistryError
        If its module does not import.
    """
    found = _load_named(name)
    fields = fields_of(found)
    return Described(
        name=name,
        kind=_kind_of_load(found),
        documentation=docstring_of(found).text,
        fields=fields,
        takes=None,
        gives=None,
        outputs={},
        example=vars(found).get("example") or f"load: {{{name}: {{{_required(fields)}}}}}",
    )


def _load_named(name: str) -> type[LoadModel]:
    try:
        found = find("loads", name)
    except LookupError as error:
        raise SpecError([Problem((), f"there is no load {name!r}", str(error))]) from None
    if not (isinstance(found, type) and issubclass(found, LoadModel)):
        raise SpecError([Problem((), f"{name!r} is no load")])
    return found


def _kind_of_load(found: type[LoadModel]) -> str:
    return "open" if issubclass(found, OpenLoad) else "closed"


def _required(fields: tuple[Field, ...]) -> str:
    return ", ".join(f"{field.name}: ..." for field in fields if field.required)


def _kind(found: type[Configurable]) -> str:
    if issubclass(found, DataSource):
        return "data"
    return "resource" if issubclass(found, Resource) else "stage"


def fields_of(found: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a configuration, in their order."""
    return tuple(_fields(found))


def _fields(found: type[BaseModel]) -> Iterator[Field]:
    told = docstring_of(found).parameters
    try:
        schema = found.model_json_schema()
    except PydanticInvalidForJsonSchema:  # a type of the stage's own: its name has to do
        schema = {}
    properties, shared = schema.get("properties", {}), schema.get("$defs", {})
    for name, field in found.model_fields.items():
        key = field.alias or name
        said = properties.get(key)
        default = None if field.default is PydanticUndefined else said and said.get("default")
        yield Field(
            name=key,
            type=type_text(said, shared) if said else describe(field.annotation),
            required=field.is_required(),
            default=default,
            description=field.description or told.get(name) or told.get(key, ""),
        )


def _outputs(found: type[Configurable]) -> Mapping[str, str] | None:
    """The outputs of a router; empty for a stage that is none."""
    if not issubclass(found, Stage):
        return {}
    if found.routes is not Stage.routes and not found.outputs:
        return None
    return {name: describe(kind) for name, kind in found.outputs.items()}


def _example(name: str, found: type[Configurable], fields: tuple[Field, ...]) -> str:
    """A use of it with the fields that it cannot do without."""
    required = _required(fields)
    options = f", with: {{{required}}}" if required else ""
    use = f"{{uses: {name}{options}}}"
    if issubclass(found, DataSource):
        return f"data: {use}"
    short = name.rpartition(".")[2]
    return f"resources:\n  {short}: {use}" if issubclass(found, Resource) else f"{short}: {use}"
