"""Whether what one stage gives is what the next one takes.

A benchmark is refused only where the types surely do not fit: what cannot be told, such
as a type that is no class, fits.
"""

from __future__ import annotations

from collections.abc import Callable
from types import GenericAlias, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

__all__ = ["alternatives", "describe", "element_of", "fits", "list_of"]

_FUNCTION = get_origin(Callable[..., object])

_WIDER: dict[object, tuple[type, ...]] = {int: (float, complex), float: (complex,)}
"""Numbers that stand for another without being its subclass (PEP 484)."""

_PLAIN = {"builtins", "collections", "collections.abc"}
"""Modules whose generic types have the same arguments in the same order as their parents."""


_SPECIAL: tuple[tuple[object, str], ...] = (
    (object, "anything"),
    (Any, "anything"),
    (None, "None"),
    (NoneType, "None"),
    (Ellipsis, "..."),
)


def fits(given: object, wanted: object) -> bool:
    """Whether a payload of the type ``given`` may go where ``wanted`` is taken.

    Examples
    --------
    >>> fits(int, float), fits(list[int], list[str]), fits(int | None, int)
    (True, False, False)
    """
    given, wanted = _bare(given), _bare(wanted)
    if any(side is object or side is Any for side in (given, wanted)) or given is NoReturn:
        return True
    if _is_union(given):
        return all(fits(member, wanted) for member in get_args(given))
    if _is_union(wanted):
        return any(fits(given, member) for member in get_args(wanted))
    if get_origin(wanted) is Literal:
        return get_origin(given) is Literal and set(get_args(given)) <= set(get_args(wanted))
    if get_origin(given) is Literal:
        return all(fits(type(value), wanted) for value in get_args(given))
    return _is_subclass(given, wanted) and _arguments_fit(given, wanted)


def _bare(annotation: object) -> object:
    """The type itself, out of what wraps it: annotations, aliases, new types, variables."""
    if annotation is None:
        return NoneType
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if isinstance(annotation, NewType):
        return _bare(annotation.__supertype__)
    if isinstance(annotation, TypeVar):
        return _bare(annotation.__bound__ or object)
    origin: Any = get_origin(annotation)  # Any: whatever it is, it is only asked
    if hasattr(origin, "__value__"):  # `type Name[T] = ...` with its argument
        return _bare(origin.__value__[get_args(annotation)])
    if hasattr(annotation, "__value__"):  # `type Name = ...` of Python 3.12
        return _bare(annotation.__value__)
    return dict[str, object] if is_typeddict(annotation) else annotation


def _is_union(annotation: object) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _is_subclass(given: object, wanted: object) -> bool:
    child, parent = get_origin(given) or given, get_origin(wanted) or wanted
    if not isinstance(child, type) or not isinstance(parent, type):
        return True
    try:
        return issubclass(child, parent) or parent in _WIDER.get(child, ())
    except TypeError:  # a protocol that cannot be asked at run time
        return True


def _arguments_fit(given: object, wanted: object) -> bool:
    """Whether the parameters of two generic types fit, each given one the wanted one."""
    mine, theirs = get_args(given), get_args(wanted)
    origin = get_origin(given)
    if not mine or not theirs or _FUNCTION in (origin, get_origin(wanted)):
        return True
    if origin is tuple:
        return _tuple_fits(mine, theirs, get_origin(wanted) is tuple)
    comparable = origin is get_origin(wanted) or getattr(origin, "__module__", "") in _PLAIN
    if not comparable or len(mine) != len(theirs):
        return True
    return all(map(fits, mine, theirs))


def _tuple_fits(mine: tuple[Any, ...], theirs: tuple[Any, ...], into_tuple: bool) -> bool:
    """Whether a tuple fits another tuple, or a sequence of one type."""
    if into_tuple and Ellipsis not in mine and Ellipsis not in theirs:
        return len(mine) == len(theirs) and all(map(fits, mine, theirs))
    given = [part for part in mine if part is not Ellipsis]
    wanted = [part for part in theirs if part is not Ellipsis]
    return all(any(fits(one, other) for other in wanted) for one in given)


def alternatives(annotation: object) -> tuple[object, ...]:
    """The types of which a union says that a payload has one; else the type alone."""
    bare = _bare(annotation)
    return get_args(bare) if _is_union(bare) else (bare,)


def list_of(item: object) -> object:
    """The type of a list of payloads of the type ``item``."""
    return GenericAlias(list, (item,))


def element_of(annotation: object) -> object:
    """The type of what a list of that type holds; ``object`` where it does not say."""
    arguments = get_args(_bare(annotation))
    return arguments[0] if len(arguments) == 1 else object


def describe(annotation: object) -> str:
    """A type as a person writes it.

    Examples
    --------
    >>> describe(dict[str, int | None])
    'dict[str, int | None]'
    """
    for known, text in _SPECIAL:
        if annotation is known:
            return text
    if get_origin(annotation) is Annotated:
        return describe(get_args(annotation)[0])
    if _is_union(annotation):
        return " | ".join(describe(member) for member in get_args(annotation))
    if get_origin(annotation) is Literal:
        return f"Literal[{', '.join(map(repr, get_args(annotation)))}]"
    return _describe_class(annotation)


def _describe_class(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, type) and arguments and origin is not _FUNCTION:
        return f"{_describe_class(origin)}[{', '.join(map(describe, arguments))}]"
    if not isinstance(annotation, type) or origin is _FUNCTION:
        return str(getattr(annotation, "__name__", annotation)).removeprefix("typing.")
    local = annotation.__module__ in ("builtins", "__main__")
    return (
        annotation.__qualname__ if local else f"{annotation.__module__}.{annotation.__qualname__}"
    )
