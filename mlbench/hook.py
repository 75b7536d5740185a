"""Two calls by which somebody's own program tells mlbench of its steps.

.. code-block:: python

    from mlbench.hook import ready, step

    model, data = ...
    ready()
    for batch in data:
        train(model, batch)
        step()

`ready` returns when the load of all pipelines begins, `step` notes the time of a step. Where
the program does not run under mlbench both do nothing. In a program of several ranks each
may call both; the steps of rank 0 count.

This file needs nothing but Python 3.8: it may lie beside the program instead of mlbench.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from time import monotonic_ns

__all__ = ["GATE", "STEPS", "Hook", "ready", "step"]

STEPS = "MLBENCH_STEPS"
"""Variable with the path of the pipe that takes the steps, one JSON object a line.

A path under ``/proc``, not a number: launchers such as torchrun close what they inherit.
"""

GATE = "MLBENCH_GATE"
"""Variable with the path of the pipe that can be read once the load has begun."""


class Hook:
    """What a program tells mlbench through two pipes.

    Parameters
    ----------
    environment
        Where the pipes are named; without them nothing is told.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._gate = environment.get(GATE)
        self._steps = environment.get(STEPS)
        self._counts = environment.get("RANK", "0") == "0"
        self._pipe: int | None = None

    def ready(self) -> None:
        """Say that set-up is over and wait until the load begins; a second call does nothing.

        Examples
        --------
        >>> ready()
        """
        path, self._gate = self._gate, None
        if path is None or self._steps is None:
            return
        try:
            if self._counts:
                self._pipe = os.open(self._steps, os.O_WRONLY)
            gate = os.open(path, os.O_RDONLY)
        except OSError:  # mlbench has gone, and the program goes on by itself
            return
        self._tell({"ready": monotonic_ns()})
        os.read(gate, 1)
        os.close(gate)

    def step(self, **values: float) -> None:
        """Note that a step has ended, with numbers that belong to it.

        The first call stands for `ready`, where that was not called: what came before it,
        the step with it, was set-up.

        Examples
        --------
        >>> step(loss=0.25)
        """
        now_ns = monotonic_ns()
        if self._gate is not None:
            self.ready()
        elif self._pipe is not None:
            numbers = {name: float(value) for name, value in values.items()}
            self._tell({"t": now_ns, "values": numbers})

    def _tell(self, message: Mapping[str, object]) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, json.dumps(message).encode() + b"\n")  # whole: below PIPE_BUF
        except BrokenPipeError:  # as above
            os.close(self._pipe)
            self._pipe = None


_hook = Hook(os.environ)
ready = _hook.ready
step = _hook.step
