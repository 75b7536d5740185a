"""Placement method: NVIDIA's Multi-Process Service, kernels of several processes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Literal

from pydantic import Field

from mlbench.interfaces.placement import PlacementMethod
from mlbench.machine.gpu import device_count
from mlbench.machine.mps import CONTROL, INSTALL, control_program
from mlbench.placements.mps_daemon import running
from mlbench.placements.visible import uuid_of

__all__ = ["Mps"]


class Mps(PlacementMethod):
    """The pipeline is a client of an MPS daemon that the run starts and ends.

    All pipelines of a run that name ``mps`` on one GPU are clients of one daemon, which has
    directories of its own: an MPS that others run on the machine is left alone. The
    variables are those of NVIDIA's manual, https://docs.nvidia.com/deploy/mps/.
    """

    needs_gpu: ClassVar[bool] = True

    active_thread_percentage: float | None = Field(
        default=None, gt=0, le=100, description="share of the GPU's threads that it may use"
    )
    memory_mib: int | None = Field(default=None, ge=1, description="device memory it may allocate")
    priority: Literal["normal", "below_normal"] = Field(
        default="normal", description="of its kernels among those of the other clients"
    )

    def missing(self) -> str | None:
        """What this machine lacks: the daemon's program, or a GPU."""
        if control_program() is None:
            return f"MPS needs {CONTROL}, which is not on the path: {INSTALL}"
        return None if device_count() else "MPS needs a GPU, and this process sees none"

    @contextmanager
    def together(self, device: str) -> Iterator[Mapping[str, str]]:
        """Start the daemon of the device, and end it."""
        with running(uuid_of(device)) as variables:
            yield variables

    @contextmanager
    def around(self, device: str) -> Iterator[Mapping[str, str]]:  # noqa: ARG002  (the daemon's)
        """Yield what limits this client.

        The device is number 0 to the client, because it sees no other.
        """
        variables = {"CUDA_MPS_CLIENT_PRIORITY": "1" if self.priority == "below_normal" else "0"}
        if self.active_thread_percentage is not None:
            share = f"{self.active_thread_percentage:g}"
            variables["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = share
        if self.memory_mib is not None:
            variables["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = f"0={self.memory_mib}M"
        yield variables
