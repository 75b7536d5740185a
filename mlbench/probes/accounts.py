"""What processes have used, kept so that the total of a pipeline never goes backwards.

A process that ends between two readings is not there for the second. What it was last seen
with is kept. Where the kernel adds what a child has used to its parent when the parent waits
for it, as with processor time and input and output, the sum over the living shows even those
that nobody saw; which of the two is larger is nearer to the truth, as neither counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Account"]


@dataclass
class Account:
    """One quantity of one pipeline.

    Parameters
    ----------
    last
        What each living process, or thread, had used when it was last seen.
    gone
        What those that have ended had used when they were last seen.
    total
        Of the pipeline so far.

    Examples
    --------
    >>> account = Account()
    >>> account.add({1: 10.0, 2: 5.0}, inclusive=15.0)
    15.0
    >>> account.add({1: 11.0}, inclusive=11.0)
    16.0
    >>> account.add({1: 11.0}, inclusive=20.0)
    20.0
    """

    last: dict[int, float] = field(default_factory=dict)
    gone: float = 0.0
    total: float = 0.0

    def add(self, own: Mapping[int, float], inclusive: float = 0.0) -> float:
        """The total after a reading of the living processes.

        Parameters
        ----------
        own
            What each of them has used itself, by process id.
        inclusive
            The sum of the same, with that of the children that each has waited for; zero where
            the kernel does not keep it.
        """
        if not self.last.keys() <= own.keys():
            for ended in self.last.keys() - own.keys():
                self.gone += self.last.pop(ended)
        self.last = dict(own)
        self.total = max(self.total, self.gone + sum(own.values()), inclusive)
        return self.total
