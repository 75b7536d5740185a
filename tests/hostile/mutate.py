"""Mutations of texts and files, each drawn from a seed, so that a failure can be repeated."""

from __future__ import annotations

import json
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

WORDS = (
    'stages', 'pipelines', 'data', 'uses', 'with', 'to', 'join', 'then', 'max_visits', 'batch',
    'workers', 'queue', 'place', 'cpus', 'device', 'load', 'poisson', 'closed', 'rate', 'seed',
    'stop', 'seconds', 'queries', 'resources', 'entry', 'name', 'execution', 'pipelined',
)  # fmt: skip
VALUES = (
    "null", "true", "-1", "0", "1e999", ".nan", ".inf", "[]", "{}", "''", "'\\0'", "[[[[]]]]",
    "9" * 400, "!!python/object/apply:os.system ['true']", "&a [*a]", "*missing", "<<: {a: 1}",
    "'" + "x" * 5000 + "'", "2001-01-01", "0x1F", "~", "- - - a", "{a: {a: {a: {a: 1}}}}",
    "synthetic.nothing", "os:system", "a.b.c:d", "$lm", "../../etc/passwd",
    "\u202e\u0000x", "1_000",
)  # fmt: skip


def mutated_text(text: str, random: Random) -> str:
    """The text with one to four mutations: cut, doubled, swapped, retyped, misspelt."""
    for _ in range(random.randint(1, 4)):
        text = random.choice(MUTATIONS)(text, random)
    return text


def cut(text: str, random: Random) -> str:
    return text[: random.randrange(len(text) + 1)]


def drop_line(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[random.randrange(len(lines))]
    return "".join(lines)


def double_line(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        at = random.randrange(len(lines))
        lines.insert(at, lines[at])
    return "".join(lines)


def swap_lines(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        a, b = random.randrange(len(lines)), random.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def indent(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        at = random.randrange(len(lines))
        lines[at] = " " * random.randint(1, 5) + lines[at]
    return "".join(lines)


def retype(text: str, random: Random) -> str:
    """Put another value where a scalar stands."""
    found = list(re.finditer(r": ([^\s{\[][^\n,}\]]*)", text))
    if not found:
        return text
    at = random.choice(found)
    return text[: at.start(1)] + random.choice(VALUES) + text[at.end(1) :]


def misspell(text: str, random: Random) -> str:
    found = list(re.finditer(r"[a-z_]{3,}", text))
    if not found:
        return text
    at = random.choice(found)
    word = at.group()
    spelt = random.choice((word[1:], word + "x", word[::-1], random.choice(WORDS), word.upper()))
    return text[: at.start()] + spelt + text[at.end() :]


def characters(text: str, random: Random) -> str:
    """Put characters that YAML has a meaning for, or none at all, into the text."""
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice("{}[]:,&*!|>%@`'\"#-?\t\x00\x07\u2028\ud7ff🙂") + text[at:]
    return text


MUTATIONS = (
    cut, drop_line, double_line, swap_lines, indent, retype, retype, misspell, misspell, characters
)  # fmt: skip


class Boom:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("executed",))


def mutate_run(run: Path, outside: Path, random: Random) -> str:
    """Damage a run directory; returns what was done."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and not path.is_symlink())
    documents = [path for path in files if path.name in ("run.json", "spec.json")]
    file = random.choice(files)
    name = random.choice(sorted(RUN_MUTATIONS))
    if "json" in name and documents:
        file = random.choice(documents)
    RUN_MUTATIONS[name](file, outside, random)
    return f"{name} {file.relative_to(run)}"


def cut_file(file: Path, outside: Path, random: Random) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: random.randrange(len(data) + 1)])


def flip_bytes(file: Path, outside: Path, random: Random) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(random.randint(1, 20) if data else 0):
        data[random.randrange(len(data))] = random.randrange(256)
    file.write_bytes(data)


def big_numbers(file: Path, outside: Path, random: Random) -> None:
    """Let lengths in a binary file be huge."""
    data = bytearray(file.read_bytes())
    for _ in range(3 if len(data) > 16 else 0):
        at = random.randrange(len(data) - 8) & ~3
        data[at : at + 4] = random.choice((b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x40"))
    file.write_bytes(data)


def remove(file: Path, outside: Path, random: Random) -> None:
    file.unlink()


def empty(file: Path, outside: Path, random: Random) -> None:
    file.write_bytes(b"")


def link_out(file: Path, outside: Path, random: Random) -> None:
    file.unlink()
    file.symlink_to(outside / "secret")


def link_to_itself(file: Path, outside: Path, random: Random) -> None:
    file.unlink()
    file.symlink_to(file)


def pickled(file: Path, outside: Path, random: Random) -> None:
    file.write_bytes(pickle.dumps(Boom()))


def directory(file: Path, outside: Path, random: Random) -> None:
    file.unlink()
    file.mkdir()


def deep_json(file: Path, outside: Path, random: Random) -> None:
    file.write_text('{"a":' * 100_000)


def other_json(file: Path, outside: Path, random: Random) -> None:
    """Retype one to three values of a JSON file; those that readers look at, mostly."""
    try:
        data = json.loads(file.read_text())
        places = list(_places(data))
    except (ValueError, OSError, RecursionError, AttributeError):
        places = []
    if not places:
        file.write_text("[]")
        return
    for _ in range(random.randint(1, 3)):
        holder, key = random.choice(places)
        if isinstance(holder, dict) and key not in holder:
            continue
        if random.random() < 0.2:
            holder.pop(key) if isinstance(holder, dict) else holder.clear()
        else:
            holder[key] = random.choice(OTHERS)
    file.write_text(json.dumps(data))


def other_json_again(file: Path, outside: Path, random: Random) -> None:
    other_json(file, outside, random)


OTHERS = (None, -1, 2**70, "x", "../..", [], {}, [[]], {"a": {}}, 1e308, True, [None], "\u0000")


def _places(data: object) -> Iterator[tuple[Any, Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(items):
        yield data, key
        if isinstance(value, dict | list) and key not in ("machine", "units"):
            yield from _places(value)


def huge_json(file: Path, outside: Path, random: Random) -> None:
    file.write_text('{"format": 1, "pipelines": {"a": "' + "x" * (65 << 20) + '"}}')


RUN_MUTATIONS = {
    function.__name__: function
    for function in (
        cut_file, flip_bytes, big_numbers, remove, empty, link_out, link_to_itself, pickled,
        directory, deep_json, other_json, other_json_again, huge_json,
    )
}  # fmt: skip
