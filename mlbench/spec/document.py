"""A spec as a YAML text: read with the line of every key, so that each mistake has a place.

Scalars follow the core schema of YAML 1.2: ``yes``, ``no``, ``on`` and ``off`` are text
(a router may well have such outputs), ``1e-3`` is a number. A key that stands twice in
one mapping is an error. Python tags, merge keys and cycles are not read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mlbench.errors import Problem, SpecError
from mlbench.imports import without_plugins
from mlbench.spec.benchmark import Benchmark
from mlbench.spec.problems import problems_of
from mlbench.spec.request import named_modules

__all__ = ["Document", "dump", "load", "parse_scalar"]

MAX_BYTES = 4 << 20
MAX_NODES = 200_000
MAX_DEPTH = 60

KeyPath = tuple["str | int", ...]
Place = tuple[int, int]

_RESOLVERS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        "-+0123456789.",
    ),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
)


_CORE = "tag:yaml.org,2002:"
_SCALARS = {kind: re.compile(pattern) for kind, pattern, _ in _RESOLVERS}
_TAGS = {_CORE + kind for kind in (*_SCALARS, "str", "map", "seq")}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}


class _Dumper(yaml.SafeDumper):
    """Writes text so that both YAML 1.1 and 1.2 read it back as text."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (PyYAML calls it so)
        return True


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
    _Loader.yaml_implicit_resolvers.setdefault("", [])
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"^$"))]


@dataclass
class _Reader:
    """Turns YAML nodes into plain data and notes where each key stands."""

    file: str
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:  # Any: YAML's plain data
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise SpecError([self._problem(path, node, "the document is too large or too deep")])
        self.places.setdefault(path, self._place(node))
        if node.tag not in _TAGS:
            tag = node.tag.replace(_CORE, "!!")
            self.problems.append(self._problem(path, node, f"the tag {tag!r} is not read"))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(self._problem(path, key_node, "expected a plain key"))
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                first = self.places[here][0]
                text = f"{key!r} stands twice; the first is in line {first}"
                self.problems.append(self._problem(here, key_node, text))
                continue
            self.places[here] = self._place(key_node)
            result[key] = self.value(child, here)
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:  # Any: a YAML scalar
        kind = node.tag.removeprefix(_CORE)
        if kind in _SCALARS and not _SCALARS[kind].match(node.value):
            self.problems.append(self._problem(path, node, f"{node.value!r} is not a {kind}"))
            return None
        if kind == "null":
            return None
        if kind == "bool":
            return node.value.lower() == "true"
        if kind == "int":
            return self._integer(node, path)
        if kind == "float":
            return float(re.sub(r"\.(?=inf|nan)", "", node.value.lower()))
        return node.value

    def _integer(self, node: yaml.Node, path: KeyPath) -> int:
        if len(node.value) > 40:
            self.problems.append(self._problem(path, node, "expected a number of fewer digits"))
            return 0
        base = {"0o": 8, "0x": 16}.get(node.value[:2], 10)
        return int(node.value, base)

    def _place(self, node: yaml.Node) -> Place:
        return node.start_mark.line + 1, node.start_mark.column + 1

    def _problem(self, path: KeyPath, node: yaml.Node, message: str) -> Problem:
        return Problem(path, message).at(self.file, *self._place(node))


@dataclass(frozen=True)
class Document:
    """Plain data read from a YAML text, with the place of every key.

    Parameters
    ----------
    data
        What the text says, not yet validated.
    places
        Line and column, from 1, of each path.
    file
        The name that messages show.
    edits
        What was set since, ``--set seed=x``, by the paths that it changed or made.
    """

    data: dict[str, Any]  # Any: plain data, validated by `benchmark`
    places: Mapping[KeyPath, Place]
    file: str
    edits: Mapping[KeyPath, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str | PathLike[str]) -> Document:
        """A document from a file.

        Raises
        ------
        SpecError
            If it cannot be read or is not YAML.
        """
        path = Path(file)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise SpecError([Problem((), f"larger than {MAX_BYTES} bytes", file=fspath(file))])
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SpecError([Problem((), f"cannot be read: {reason}", file=fspath(file))]) from None
        return cls.parse(text, fspath(file))

    @classmethod
    def parse(cls, text: str, file: str = "<text>") -> Document:
        """A document from a text.

        Raises
        ------
        SpecError
            If it is not YAML, not a mapping, or a key stands twice.
        """
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise SpecError([_syntax_problem(error, file)]) from None
        except (RecursionError, ValueError) as error:
            message = f"is not readable YAML: {type(error).__name__}"
            raise SpecError([Problem((), message, file=file)]) from None
        if not isinstance(node, yaml.MappingNode):
            raise SpecError([Problem((), "expected 'key: value' pairs at the top", file=file)])
        reader = _Reader(file)
        data = reader.value(node, ())
        if reader.problems:
            raise SpecError(reader.problems)
        return cls(data, reader.places, file)

    def benchmark(self) -> Benchmark:
        """The spec that the document says.

        Raises
        ------
        SpecError
            With every key that is unknown, missing or of the wrong type, and its line.
        """
        try:
            with without_plugins(Benchmark):
                return Benchmark.model_validate(self.data)
        except ValidationError as error:
            raise SpecError(self.located(problems_of(error, Benchmark))) from None

    def located(self, problems: list[Problem]) -> list[Problem]:
        """The same problems, each with the line of the nearest key that stands in the text.

        What an edit brought in stands in no line: its place is the edit.
        """
        return [self._locate(problem) for problem in problems]

    def _locate(self, problem: Problem) -> Problem:
        path = problem.path
        for edited, place in self.edits.items():
            if edited[:-1] == path:  # what it brought into this mapping does not fit there
                return problem.at(place, None, None)
        while path and path not in self.places and path not in self.edits:
            path = path[:-1]
        if path in self.edits:
            return problem.at(self.edits[path], None, None)
        line, column = self.places.get(path, (1, 1))
        return problem.at(self.file, line, column)


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or str(error)
    hint = "indent with spaces, not with tabs" if r"'\t'" in text else ""
    problem = Problem((), f"is not YAML: {text}", hint)
    return problem.at(file, mark.line + 1 if mark else None, mark.column + 1 if mark else None)


def parse_scalar(text: str) -> Any:  # Any: one YAML value
    """One YAML value, as ``--set`` takes it: ``3``, ``true``, ``[0, 1]``, ``some text``."""
    node = yaml.compose(text, Loader=_Loader)
    return None if node is None else _Reader("--set").value(node, ())


def dump(data: object) -> str:
    """Plain data as YAML, keys in their order."""
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )


def load(file: str | PathLike[str]) -> Benchmark:
    """The benchmark that a YAML file describes.

    If it names something as ``module:object``, its folder becomes the last one of
    ``sys.path``, so that a module that stands beside it is found.

    Raises
    ------
    SpecError
        With every mistake in the file, its line and the nearest valid name.
    """
    bench = Document.read(file).benchmark()
    folder = str(Path(file).resolve().parent)
    if named_modules(bench) and folder not in sys.path:
        sys.path.append(folder)
    return bench
