"""Exit statuses, the same for every command."""

from __future__ import annotations

__all__ = ["BAD_INPUT", "BROKEN_PIPE", "FAILED", "INTERRUPTED", "INVALID", "OK"]

OK = 0
FAILED = 1
"""A pipeline, or the engine, ended by failure."""
BAD_INPUT = 2
INVALID = 3
"""The run is done, and something is wrong with what it measured."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""
BROKEN_PIPE = 141
"""128 and the number of SIGPIPE: who read the output has gone, as ``| head`` does."""
