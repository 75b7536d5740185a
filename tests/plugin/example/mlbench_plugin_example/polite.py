"""Placement: asks libraries to wait without spinning."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlbench.interfaces.placement import PlacementMethod


class Polite(PlacementMethod):
    """Threads of OpenMP sleep while they wait."""

    def missing(self) -> None:
        """Nothing: every machine can do this."""
        return

    @contextmanager
    def around(self, device: str) -> Iterator[Mapping[str, str]]:
        """Yield one variable."""
        yield {"OMP_WAIT_POLICY": "PASSIVE"}
