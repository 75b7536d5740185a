"""What holds for all tests: the same examples on every machine, however slow it is."""

from __future__ import annotations

from hypothesis import settings

# A busy machine takes its time, and a failure must be there again when one looks for it.
settings.register_profile("mlbench", deadline=None, derandomize=True)
settings.load_profile("mlbench")
