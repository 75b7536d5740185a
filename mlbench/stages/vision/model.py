"""Resource: a pretrained network that stages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlbench.interfaces.stage import Context, Resource
from mlbench.stages.vision.network import Network, pretrained

__all__ = ["Model"]


class Model(Resource):
    """EfficientNet-Lite0 in evaluation mode, its ImageNet weights on the pipeline's device.

    Stages that name it share one copy: ``classify: {..., with: {model: $net}}``.
    """

    example: ClassVar[str] = "resources:\n  net: {uses: vision.model}"

    model: Network = "efficientnet_lite0"

    @contextmanager
    def open(self, context: Context) -> Iterator[object]:
        """Yield the network."""
        yield pretrained("vision.model", context.device)
