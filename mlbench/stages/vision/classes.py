"""The names of the thousand ImageNet classes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["class_names"]


@cache
def class_names() -> tuple[str, ...]:
    """Names of the ImageNet classes, in the order of a network's outputs.

    ``classes.txt`` holds the list that torchvision gives with its weights (BSD-3-Clause),
    one a line: the first lemma of each WordNet synset, told apart where two are alike.

    Examples
    --------
    >>> class_names()[967]
    'espresso'
    """
    text = files("mlbench.stages.vision").joinpath("classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
