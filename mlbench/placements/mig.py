"""Placement method: an instance of a GPU that MIG has cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.errors import nearest
from mlbench.interfaces.placement import PlacementMethod
from mlbench.machine.gpu import Gpus, MigInstance, read_gpus
from mlbench.placements.visible import VISIBLE

__all__ = ["Mig"]


class Mig(PlacementMethod):
    """The pipeline sees one MIG instance, which has to be there: ``mig: {uuid: MIG-...}``.

    Instances are never made or removed here: that needs root, ends what runs on the GPU,
    and stays after the run. ``nvidia-smi -L`` lists them.
    """

    needs_gpu: ClassVar[bool] = True

    uuid: str = Field(pattern=r"^MIG-[\w/-]+$", description="of the instance, by nvidia-smi -L")

    def missing(self) -> str | None:
        """What this machine lacks: a GPU with MIG, or this instance."""
        gpus = read_gpus(processes=False)
        if not gpus.devices:
            return f"MIG needs a GPU, and there is none: {gpus.reasons.get('devices', '')}"
        if any(instance.uuid == self.uuid for instance in _instances(gpus)):
            return None
        uuids = [instance.uuid for instance in _instances(gpus) if instance.uuid]
        if not uuids:
            return "no GPU has a MIG instance: sudo nvidia-smi -mig 1, then nvidia-smi mig -cgi ..."
        return f"no MIG instance is {self.uuid} ({nearest(self.uuid, uuids)})"

    @contextmanager
    def around(self, device: str) -> Iterator[Mapping[str, str]]:  # noqa: ARG002  (it names its own)
        """Yield the variable that shows the worker this instance and nothing else."""
        yield {VISIBLE: self.uuid}


def _instances(gpus: Gpus) -> Iterator[MigInstance]:
    for gpu in gpus.devices:
        yield from gpu.mig_instances
