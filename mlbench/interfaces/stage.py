"""The interface of stages, data sets and resources.

A stage is a frozen configuration, opened once and then called for every payload::

    class Upper(Stage):
        takes, gives = str, str
        suffix: str = ""

        @contextmanager
        def open(self, context: Context) -> Iterator[Callable[[str], str]]:
            yield lambda text: text.upper() + self.suffix

or, without state, a typed function::

    @stage
    def upper(text: str, *, suffix: str = "") -> str:
        return text.upper() + suffix
"""

from __future__ import annotations

import inspect
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from time import monotonic_ns
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from mlbench.records import SCORE
from mlbench.seed import stream

__all__ = [
    "Configurable",
    "Context",
    "DataSource",
    "Payload",
    "Ref",
    "Resource",
    "Route",
    "Stage",
    "class_of",
    "stage",
]

Payload = Any
"""What flows along an edge: any object. A stage treats what it receives as immutable."""

Ref = Annotated[str, Field(pattern=r"^\$.+")]
"""A field that names a resource of the pipeline, ``$lm``; ``context.resource`` gives it."""

OUTPUTS = "__mlbench_outputs__"


class Route:
    """What a router returns: the name of the output that goes on, and its payload."""

    __slots__ = ("name", "payload")

    def __init__(self, name: str, payload: Payload = None) -> None:
        self.name = name
        self.payload = payload

    def __repr__(self) -> str:
        return f"Route({self.name!r}, {self.payload!r})"


class Visit(threading.local):
    """What the running thread is doing: which visit of which query, its events and timings."""

    def __init__(self) -> None:
        self.query = 0
        self.number = 1
        self.events: list[tuple[str, int, float]] = []
        self.timings: list[Callable[[], int]] = []


@dataclass
class Context:
    """What a stage may know and ask for while it is open.

    Parameters
    ----------
    pipeline, stage
        Names, as in the spec.
    device
        ``cpu`` or ``cuda:N``, where the pipeline is placed.
    threads
        Threads that numerical libraries may use.
    seed, block
        What random choices derive from.
    resources
        Opened resources by name.
    """

    pipeline: str = "pipeline"
    stage: str = "stage"
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    block: int = 0
    resources: Mapping[str, object] = field(default_factory=dict)
    visit: Visit = field(default_factory=Visit)
    tracked: bool = False
    restorers: list[Callable[[], None]] = field(default_factory=list)

    def resource(self, reference: str) -> Any:  # Any: whatever the resource yields
        """The opened resource that ``$name`` names; the pipeline's stages share it."""
        return self.resources[reference.removeprefix("$")]

    def randomness(self) -> Callable[[], Random]:
        """A function that gives the generator of the present query, stage and visit.

        Ask for it while opening. What it draws depends on the seed, the names and the
        query alone, so a query makes the same choices alone and beside others.
        """
        self.tracked = True
        names = ("stage", self.pipeline, self.block, self.stage)
        return lambda: stream(self.seed, *names, self.visit.query, self.visit.number)

    def event(self, name: str, value: float = float("nan"), at_ns: int | None = None) -> None:
        """Record a moment inside the running span, such as the first token; now, if not said."""
        moment_ns = monotonic_ns() if at_ns is None else at_ns
        self.visit.events.append((name, moment_ns, float(value)))

    def score(self, name: str, value: float) -> None:
        """Record how good a result is, such as 1 for a right answer; the last of a query counts."""
        self.event(SCORE + name, value)

    def after_warmup(self, restore: Callable[[], None]) -> None:
        """Have ``restore`` called between warm-up and load, to put state back."""
        self.restorers.append(restore)


class Configurable(BaseModel):
    """Something registered by name: its fields are its configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    example: ClassVar[str] = ""
    """A use of it, as YAML, that ``mlbench stages NAME`` shows."""


class Stage(Configurable):
    """One step of a pipeline.

    Class attributes
    ----------------
    takes, gives
        Types of the payload that goes in and comes out; ``check`` fits them along edges.
    outputs
        Of a router: its named outputs, each with the type of its payload.
    """

    takes: ClassVar[object] = object
    gives: ClassVar[object] = object
    outputs: ClassVar[Mapping[str, object]] = {}

    @abstractmethod
    def open(self, context: Context) -> AbstractContextManager[Callable[[Payload], Payload]]:
        """Set up, yield a function from payload to payload or `Route`, and clean up.

        In pipelined execution any thread may call the function, one call after another in
        different ones, and as many at once as the stage has workers.
        """
        raise NotImplementedError

    def routes(self) -> Mapping[str, object] | None:
        """The outputs of this configuration; null where any name may come out."""
        return self.outputs


class DataSource(Configurable):
    """A data set: opened once, then indexed by item."""

    gives: ClassVar[object] = object

    @abstractmethod
    def open(self, context: Context) -> AbstractContextManager[Sequence[Payload]]:
        """Yield the items: something with a length that takes an index."""
        raise NotImplementedError

    def given(self) -> object:
        """The type of the items that this configuration gives."""
        return self.gives


class Resource(Configurable):
    """Something heavy that the stages of one pipeline share, such as a model."""

    @abstractmethod
    def open(self, context: Context) -> AbstractContextManager[object]:
        """Yield the shared object."""
        raise NotImplementedError


Function = TypeVar("Function", bound=Callable[..., Any])


def stage(
    function: Function | None = None, *, outputs: Mapping[str, object] | Sequence[str] = ()
) -> Any:  # Any: the function itself, or a decorator for it
    """Mark a typed function as a stage; it stays an ordinary function.

    Its one positional parameter takes the payload, its return value is the payload that
    goes on, its keyword-only parameters are the stage's configuration.

    Parameters
    ----------
    outputs
        Of a router that returns `Route`: its output names, or a mapping to their types.

    Raises
    ------
    TypeError
        If the function does not have exactly one positional parameter, or what it returns is
        not its result: an ``async`` function, or a generator.

    Examples
    --------
    >>> @stage
    ... def double(number: int, *, times: int = 2) -> int:
    ...     return number * times
    >>> double(3)
    6
    """
    if function is None:
        return partial(stage, outputs=outputs)
    _signature(function)
    named = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs, object)
    setattr(function, OUTPUTS, named)
    return function


def class_of(target: object) -> type[Configurable] | None:
    """The class behind a stage, data source or resource; null if ``target`` is none of them."""
    if isinstance(target, type):
        return target if issubclass(target, Configurable) else None
    if callable(target) and hasattr(target, OUTPUTS):
        return _function_stage(target)
    return None


def _signature(function: Callable[..., object]) -> tuple[str, dict[str, inspect.Parameter]]:
    """The name of the payload's parameter, and the configuration's parameters."""
    _refuse_unfinished(function)
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(positional) != 1 or variadic:
        raise TypeError(
            f"the stage {function.__qualname__} takes one positional parameter, the payload, "
            "and its configuration by keyword: def name(payload, *, option=default)"
        )
    options = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    return positional[0].name, options


def _refuse_unfinished(function: Callable[..., object]) -> None:
    """A call that only begins the work would be timed as nothing."""
    asynchronous = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if asynchronous or inspect.isgeneratorfunction(function):
        what = "is async: wrap it, asyncio.run(...)" if asynchronous else "yields: return a list"
        raise TypeError(
            f"the stage {function.__qualname__} {what}; a stage returns its result, so that the "
            "work is in the time that is measured"
        )


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError:  # a name that exists for the type checker only
        return {}


@cache
def _function_stage(function: Callable[..., object]) -> type[Stage]:
    """A stage class whose fields are the function's keyword-only parameters."""
    payload, options = _signature(function)
    hints = _hints(function)
    returned = hints.get("return", object)
    named: Mapping[str, object] = getattr(function, OUTPUTS)

    class FunctionStage(Stage):
        takes: ClassVar[object] = hints.get(payload, object)
        gives: ClassVar[object] = object if named else returned
        outputs: ClassVar[Mapping[str, object]] = named

        @contextmanager
        def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:  # noqa: ARG002
            options = {name: getattr(self, name) for name in type(self).model_fields}
            yield partial(function, **options) if options else function

    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is p.empty else p.default)
        for name, p in options.items()
    }
    made = create_model(
        function.__name__, __base__=FunctionStage, __module__=function.__module__, **fields
    )
    made.__doc__ = function.__doc__
    return made
