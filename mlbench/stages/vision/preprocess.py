"""Stage: photographs to tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Context, Stage
from mlbench.stages.vision.network import MEAN, SIDE, STD
from mlbench.stages.vision.photo import Photo
from mlbench.stages.vision.tensors import Tensors, send

__all__ = ["Preprocess"]

CROP = SIDE / (SIDE + 32)
"""Part of the shorter side that is kept: the evaluation crop of EfficientNet-Lite."""

Box = tuple[float, float, float, float]


class Preprocess(Stage):
    """Photographs as EfficientNet-Lite0 takes them, on the pipeline's device.

    The central square, scaled to 224 x 224 on the CPU (bicubic), then sent to the device
    as bytes and normalised there. A list of photographs becomes one batch.
    """

    takes: ClassVar[object] = Photo | list[Photo]
    gives: ClassVar[object] = Tensors
    example: ClassVar[str] = "preprocess: {uses: vision.preprocess, to: classify}"

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Photo | list[Photo]], Tensors]]:
        """Yield a function that scales and normalises."""
        try:
            import numpy as np
            import torch
            from PIL import Image
        except ImportError as error:
            raise MissingExtraError("vision.preprocess", "vision", error) from error

        def scaled(photo: Photo) -> torch.Tensor:
            size, box = (SIDE, SIDE), _central_box(*photo.pixels.shape[:2])
            image = Image.fromarray(photo.pixels)
            image = image.resize(size, Image.Resampling.BICUBIC, box)
            return torch.from_numpy(np.array(image)).permute(2, 0, 1)

        def preprocess(payload: Photo | list[Photo]) -> Tensors:
            photos = [payload] if isinstance(payload, Photo) else payload
            planes = [scaled(photo) for photo in photos]
            whole = planes[0] if isinstance(payload, Photo) else torch.stack(planes)
            pixels = send(whole.contiguous(), context.device).float().sub_(MEAN).div_(STD)
            names = tuple(photo.name for photo in photos)
            return Tensors(pixels, names, tuple(photo.label for photo in photos))

        yield preprocess


def _central_box(height: int, width: int) -> Box:
    """Left, top, right and bottom of the central square."""
    side = min(height, width) * CROP
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
