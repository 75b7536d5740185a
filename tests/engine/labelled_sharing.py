"""A placement method for the tests: a variable for the worker, a file while it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlbench.interfaces.placement import PlacementMethod
from mlbench.interfaces.stage import stage


class Labelled(PlacementMethod):
    label: str
    folder: str

    def missing(self) -> str | None:
        return None

    @contextmanager
    def around(self, device: str) -> Iterator[Mapping[str, str]]:
        (Path(self.folder) / "up").touch()
        yield {"LABEL": f"{self.label} on {device}"}
        (Path(self.folder) / "down").touch()


@stage
def label(payload: object) -> str | None:
    return os.environ.get("LABEL")
