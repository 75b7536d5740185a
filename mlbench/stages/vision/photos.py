"""Data: the photographs that scikit-image and scikit-learn ship."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

from pydantic import field_validator, model_validator

from mlbench.errors import MissingExtraError, MlbenchError, nearest
from mlbench.interfaces.stage import Context, DataSource
from mlbench.stages.vision.photo import Photo

__all__ = ["Photos"]

STAGE = "vision.photos"


class _File(NamedTuple):
    """Where a photograph lies in its package, and the index of its ImageNet class."""

    package: str
    path: str
    label: int | None = None


_FILES = {
    "astronaut": _File("skimage", "data/astronaut.png"),
    "brick": _File("skimage", "data/brick.png"),
    "camera": _File("skimage", "data/camera.png", 872),
    "cat": _File("skimage", "data/chelsea.png", 281),
    "china": _File("sklearn", "datasets/images/china.jpg"),
    "coffee": _File("skimage", "data/coffee.png", 967),
    "coins": _File("skimage", "data/coins.png"),
    "flower": _File("sklearn", "datasets/images/flower.jpg", 985),
    "grass": _File("skimage", "data/grass.png"),
    "gravel": _File("skimage", "data/gravel.png"),
    "moon": _File("skimage", "data/moon.png"),
    "motorcycle": _File("skimage", "data/motorcycle_left.png"),
    "rocket": _File("skimage", "data/rocket.jpg"),
}


class Photos(DataSource):
    """Thirteen real photographs of 0.1 to 0.4 megapixels, as `Photo`; nothing is downloaded.

    Four have a label, where an ImageNet class says what they show: the cat (tabby), the
    coffee (espresso), the camera (which stands on a tripod) and the flower. The flower is a
    dahlia: ImageNet has none, and daisy is its nearest relative there. For the others the
    nearest class would be wrong (the rocket is no missile), so they have none.
    """

    gives: ClassVar[object] = Photo
    example: ClassVar[str] = "data: {uses: vision.photos, with: {labelled: true}}"

    names: tuple[str, ...] = ()
    labelled: bool = False

    @field_validator("names")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in _FILES:
                raise ValueError(f"there is no photograph {name!r} ({nearest(name, _FILES)})")
        return value

    @model_validator(mode="after")
    def _not_empty(self) -> Photos:
        if not self._chosen():
            labelled = ", ".join(name for name, file in _FILES.items() if file.label is not None)
            raise ValueError(f"none of the names has a label; those that have: {labelled}")
        return self

    def _chosen(self) -> list[str]:
        names = self.names or tuple(_FILES)
        return [name for name in names if not self.labelled or _FILES[name].label is not None]

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[Photo]]:  # noqa: ARG002
        """Yield the photographs, decoded."""
        yield [_read(name) for name in self._chosen()]


def _read(name: str) -> Photo:
    try:
        import numpy as np
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(STAGE, "vision", error) from error
    file = _FILES[name]
    with Image.open(_path(file)) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.flags.writeable = False  # every query gets this same array
    return Photo(name, pixels, file.label)


def _path(file: _File) -> Path:
    """The file inside its package, which is not imported: that takes a second and threads."""
    spec = find_spec(file.package)
    if spec is None or not spec.submodule_search_locations:
        missing = ImportError(f"no module {file.package}", name=file.package)
        raise MissingExtraError(STAGE, "vision", missing)
    path = Path(next(iter(spec.submodule_search_locations)), file.path)
    if not path.is_file():
        raise MlbenchError(
            f"{STAGE} found no {path}: this {file.package} was installed without its pictures; "
            "pip install --force-reinstall scikit-image scikit-learn"
        )
    return path
