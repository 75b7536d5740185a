"""A stage whose module imports torch at its top, as most modules of stages do."""

from __future__ import annotations

import torch

from mlbench.interfaces.stage import Payload, stage


@stage
def torch_threads(payload: Payload) -> int:
    """Threads that torch computes with."""
    return torch.get_num_threads()
