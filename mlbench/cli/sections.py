"""The fields of a spec or a plan as data, section by section, from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from mlbench.errors import Problem, SpecError, nearest
from mlbench.library.catalogue import Field, fields_of
from mlbench.library.docstring import docstring_of
from mlbench.spec import Benchmark, Load, Sharing
from mlbench.spec.choice import Choice
from mlbench.spec.edit import keys_of

__all__ = ["SPEC", "Kind", "Section", "plan_kind", "sections", "sections_at"]

NAME = "NAME"
"""Stands for a name that the spec chooses, such as that of a pipeline."""

CHOICES = {
    Load: "a load, see mlbench loads",
    Sharing: "a placement method with its options",
}


@dataclass(frozen=True)
class Section:
    """One mapping of a spec or a plan.

    Parameters
    ----------
    path
        Where it stands, ``pipelines.NAME.stop``; empty for the top.
    documentation
        What it is.
    fields
        What may stand in it.
    """

    path: str
    documentation: str
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """The key that it stands under."""
        return self.path.removesuffix(f".{NAME}").rpartition(".")[2]

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """The same as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Kind:
    """What has sections: a spec, or the plan of a sweep.

    Parameters
    ----------
    name
        As messages have it, ``a spec``.
    model
        What reads it.
    command
        Tells all of it.
    """

    name: str
    model: type[BaseModel]
    command: str


SPEC = Kind("a spec", Benchmark, "mlbench spec")


def plan_kind() -> Kind:
    """The plan of a sweep, whose models are loaded where they are asked for."""
    from mlbench.sweep.plan import Plan

    return Kind("a plan", Plan, "mlbench spec --plan")


def sections(kind: Kind = SPEC) -> list[Section]:
    """All sections of a spec, each behind the one that it stands in."""
    return list(_walk(kind.model, ""))


EXPLAINED_AT = {"utilisation": "load", "utilization": "load"}
"""Where what is no field of its own is explained."""


def sections_at(path: str, kind: Kind = SPEC) -> list[Section]:
    """The sections of a path, or of a name that a section has; of a field, its section alone.

    Raises
    ------
    SpecError
        If nothing stands there; with the nearest name.

    Examples
    --------
    >>> [section.path for section in sections_at("place")]
    ['pipelines.NAME.place']
    >>> [section.fields[0].name for section in sections_at("pipelines.rag.slo.latency_ms")]
    ['latency_ms']
    """
    path = EXPLAINED_AT.get(path, path)
    everything, keys = sections(kind), keys_of(path) or ()
    found = [each for each in everything if _stands_at(each.path, keys)]
    found = found or [each for each in everything if keys == (each.name,)]
    if not found:
        fields = [_only(each, keys[-1]) for each in everything if _stands_at(each.path, keys[:-1])]
        found = [each for each in fields if each.fields]
    if not found:
        fields = [_only(each, path) for each in everything]
        found = [each for each in fields if each.fields]
    if not found:
        known = {part for each in everything for part in (each.name, *_names(each)) if part}
        hint = nearest(keys[-1] if keys else path, known, kind.command)
        raise SpecError([Problem((), f"{kind.name} has no {path!r}", hint)])
    return found


def _names(section: Section) -> Iterator[str]:
    return (field.name for field in section.fields)


def _only(section: Section, name: str) -> Section:
    return replace(section, fields=tuple(f for f in section.fields if f.name == name))


def _stands_at(path: str, keys: Sequence[str]) -> bool:
    """Whether keys that a spec may have lead to the section."""
    parts = path.split(".") if path else []
    same = (part in (NAME, key) for part, key in zip(parts, keys, strict=False))
    return len(parts) == len(keys) and all(same)


def _walk(model: type[BaseModel], path: str) -> Iterator[Section]:
    inner = {key: _inside(info.annotation) for key, info in _fields(model)}
    told = fields_of(model)
    shown = (_shown(field, *inner[field.name], path) for field in told)
    yield Section(path, docstring_of(model).text, tuple(shown))
    for key, (nested, step) in inner.items():
        if nested is not None and not issubclass(nested, Choice):
            yield from _walk(nested, _joined(path, key, step))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:  # Any: pydantic's FieldInfo
    return ((info.alias or name, info) for name, info in model.model_fields.items())


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _shown(field: Field, nested: type[BaseModel] | None, step: str, path: str) -> Field:
    """The field as a spec has it: one with fields of its own says where they are explained."""
    if nested is None:
        return field
    if issubclass(nested, Choice):
        return replace(field, type=CHOICES.get(nested, field.type))
    where = _joined(path, field.name, step)
    kind = f"names, see {where}" if step else f"see {where}"
    return replace(field, type=kind, default=None, section=where)


def _inside(annotation: object) -> tuple[type[BaseModel] | None, str]:
    """The model that a field holds, and `NAME` where it holds them by name."""
    if get_origin(annotation) is Annotated:
        return _inside(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        found = (_inside(member) for member in get_args(annotation))
        return next((each for each in found if each[0] is not None), (None, ""))
    if get_origin(annotation) is dict:
        return _inside(get_args(annotation)[1])[0], NAME
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation if is_model else None), ""  # type: ignore[return-value]  # it is a model
