"""Where in a stage's own code an exception was raised."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path
from traceback import walk_tb

__all__ = ["place_of"]

PACKAGE = str(Path(__file__).parent.parent) + os.sep
ENGINE = f"{PACKAGE}engine{os.sep}"
STAGES = f"{PACKAGE}stages{os.sep}"
CELLS = "ipykernel_"
"""In the name that a notebook's kernel gives to the file of a cell."""


def place_of(error: BaseException) -> str:
    """The file and line, ``my_module.py:12``; empty if only the engine was there.

    It is the last one in the code of whoever wrote the stage: not in Python's library, nor
    in what is installed beside it. A stage that is installed itself is the first one.
    """
    frames = walk_tb(error.__traceback__)
    places = [(frame.f_code.co_filename, line) for frame, line in frames]
    outside = [place for place in places if not place[0].startswith(ENGINE)]
    own = [place for place in outside if not _is_installed(place[0])]
    if not outside:
        return ""
    file, line = own[-1] if own else outside[0]
    return f"{_short(file)}:{line}"


@cache
def _is_installed(file: str) -> bool:
    if file.startswith(PACKAGE):
        return not file.startswith(STAGES)
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return file.startswith(("<frozen ", *(folder + os.sep for folder in folders)))


@cache
def _short(file: str) -> str:
    """The file as the import path leads to it."""
    if CELLS in file:
        return "notebook cell"
    entries = (entry.rstrip(os.sep) + os.sep for entry in sys.path if entry)
    inside = [file.removeprefix(entry) for entry in entries if file.startswith(entry)]
    return min(inside, key=len, default=file)
