"""A photograph: what flows from `vision.photos` through `vision.augment`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Photo"]


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph with its label.

    Parameters
    ----------
    name
        What results call it.
    pixels
        Red, green and blue: height x width x 3, 0 to 255.
    label
        Index of its ImageNet class; null where no class says what it shows.
    """

    name: str
    pixels: NDArray[np.uint8]
    label: int | None = None
