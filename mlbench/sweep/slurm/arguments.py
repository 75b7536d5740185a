"""The options of ``mlbench sweep PLAN --on slurm``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from mlbench.errors import Problem, SpecError, nearest
from mlbench.sweep.slurm.options import Options

__all__ = ["read"]

_NAMED = ("partition", "account", "qos", "constraint", "gres", "time")
_FLAGS = ("shared", "detach")


def read(arguments: Sequence[str]) -> tuple[Options | None, bool]:
    """What each job asks for, and whether to leave the jobs alone once they are submitted.

    The first is null where nothing is asked for.

    Raises
    ------
    SpecError
        If an option is unknown, with the nearest that there is, or its value is wrong.

    Examples
    --------
    >>> options, detach = read(["--partition", "gpu", "--gres=gpu:1", "--slurm", "mem=16G"])
    >>> options.gres, dict(options.more), options.exclusive, detach
    ('gpu:1', {'mem': '16G'}, True, False)
    >>> read(["--detach"])
    (None, True)
    """
    found, rest = _parser().parse_known_args(list(arguments))
    if rest:
        known = [f"--{name}" for name in (*_NAMED, *_FLAGS, "slurm")]
        name = rest[0].partition("=")[0]
        raise _mistake(f"{name}: --on slurm has no such option", nearest(name, known))
    said = any(argument != "--detach" for argument in arguments)
    return _options(found) if said else None, bool(found.detach)


class _Parser(ArgumentParser):
    """One that raises what it finds wrong, in place of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise _mistake(f"--on slurm: {message}", "")


def _parser() -> ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in _NAMED:
        parser.add_argument(f"--{name}")
    for name in _FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--slurm", action="append", default=[])
    return parser


def _options(found: Namespace) -> Options:
    named = {name: getattr(found, name) for name in _NAMED}
    options = Options(exclusive=not found.shared, more=dict(_pairs(found.slurm)), **named)
    for name in options.reserved():
        raise _mistake(f"--slurm {name}: the sweep sets this itself", "")
    return options


def _pairs(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Key and value of ``--slurm KEY=VALUE``, or of ``--slurm FLAG``."""
    for text in texts:
        key, _, value = text.lstrip("-").partition("=")
        if not key:
            raise _mistake(f"--slurm {text}: expected KEY=VALUE, as in --slurm mem=16G", "")
        if key in (*_NAMED, "exclusive"):
            written = "--shared to share the node" if key == "exclusive" else f"--{key} {value}"
            raise _mistake(f"--slurm {text}: this has an option of its own", f"type {written}")
        yield key, value


def _mistake(message: str, hint: str) -> SpecError:
    return SpecError([Problem((), message, hint)])
