"""Photographs as tensors: what flows from `vision.preprocess` into a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Tensors", "send"]


@dataclass(frozen=True, eq=False)
class Tensors:
    """One photograph or a batch of them, normalised, with names and labels beside.

    Parameters
    ----------
    pixels
        3 x height x width for one photograph, N x 3 x height x width for a batch.
    names, labels
        As in `Photo`, one for each photograph.
    """

    pixels: Tensor
    names: tuple[str, ...]
    labels: tuple[int | None, ...]

    @property
    def single(self) -> bool:
        """Whether it is one photograph that never was in a batch."""
        return self.pixels.dim() == 3

    @property
    def batch(self) -> Tensor:
        """The pixels with a batch dimension, N x 3 x height x width."""
        return self.pixels[None] if self.single else self.pixels


def send(tensor: Tensor, device: str) -> Tensor:
    """The tensor on ``device``; on a GPU as a copy that the host does not wait for."""
    if device == "cpu" or tensor.is_cuda:
        return tensor.to(device)
    # From pageable memory the copy would wait for the device, whatever non_blocking says.
    return tensor.pin_memory().to(device, non_blocking=True)
