"""Stage: random crop and flip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Stage
from mlbench.stages.vision.photo import Photo

__all__ = ["Augment"]

Photographs = Photo | list[Photo]


class Augment(Stage):
    """A random part of each photograph, mirrored every other time.

    The part has the photograph's proportions and at least ``area`` of its surface. What
    is drawn derives from the query, so it is the same alone and beside other pipelines.
    The result is a view of the pixels: the cost of the copy falls to what reads it.
    """

    takes: ClassVar[object] = Photo | list[Photo]
    gives: ClassVar[object] = Photo | list[Photo]
    example: ClassVar[str] = "augment: {uses: vision.augment, with: {area: 0.5}, to: preprocess}"

    area: float = Field(default=0.5, gt=0, le=1, description="least part of the surface kept")
    flip: float = Field(default=0.5, ge=0, le=1, description="probability of mirroring")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Photographs], Photographs]]:
        """Yield a function that crops and flips."""
        randomness = context.randomness()

        def augment(payload: Photographs) -> Photographs:
            random = randomness()
            if isinstance(payload, Photo):
                return self._varied(payload, random)
            return [self._varied(photo, random) for photo in payload]

        yield augment

    def _varied(self, photo: Photo, random: Random) -> Photo:
        height, width = photo.pixels.shape[:2]
        scale = random.uniform(self.area, 1) ** 0.5
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = random.randint(0, height - rows), random.randint(0, width - columns)
        pixels = photo.pixels[top : top + rows, left : left + columns]
        if random.random() < self.flip:
            pixels = pixels[:, ::-1]
        return replace(photo, pixels=pixels)
