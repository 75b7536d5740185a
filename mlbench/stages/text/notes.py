"""Notes: what takes long while a pipeline opens, for whoever waits for it."""

from __future__ import annotations

import sys

from mlbench.records import NOTE

__all__ = ["note"]


def note(stage: str, text: str) -> None:
    """Say it on standard error; ``mlbench run`` shows the last note of a pipeline in setup."""
    print(f"{NOTE}{stage}: {text}", file=sys.stderr, flush=True)
