"""Seeds: every random choice of a run derives from one number and the name of what chooses.

So the arrivals, the order of the items and the choices of a stage are the same in an
isolated and a collocated run, and asking for more of one never changes another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from random import Random

__all__ = ["derive", "item_order", "stream"]

SHUFFLE_LIMIT = 1 << 22
"""Data sets above this many items are visited in their own order: a permutation of
four million indices is 32 MB, and nobody sees the end of such a set in a run."""


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the thing that ``names`` say, from the benchmark's seed.

    Examples
    --------
    >>> derive(7, "arrivals", "rag", 0) == derive(7, "arrivals", "rag", 0)
    True
    >>> derive(7, "arrivals", "rag", 0) == derive(7, "arrivals", "rag", 1)
    False
    """
    text = repr((seed, *names)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def stream(seed: int, *names: str | int) -> Random:
    """A generator of its own for the thing that ``names`` say."""
    return Random(derive(seed, *names))


def item_order(items: int, shuffled: bool, random: Random) -> Iterator[int]:
    """Indices of items for query 0, 1, 2, ...: whole passes over the data, without end.

    Parameters
    ----------
    items
        Size of the data set, at least 1.
    shuffled
        Each pass in an order of its own, as a data loader for training does. It is drawn
        item by item (Fisher and Yates, forwards), so that no pass begins with a pause: a
        million items shuffled at once would hold up a dispatcher for half a second.
    random
        Where the orders come from.
    """
    if not shuffled or items > SHUFFLE_LIMIT:
        for index in count():
            yield index % items
    order = list(range(items))
    draw = random.random
    while True:
        for index in range(items):
            other = index + int(draw() * (items - index))
            order[index], order[other] = order[other], order[index]
            yield order[index]
