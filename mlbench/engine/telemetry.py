"""What the manifest says of the samples, from what the sampler tells the supervisor."""

from __future__ import annotations

from typing import Any

from mlbench.engine.children import Child, how_it_ended
from mlbench.spec.telemetry import Telemetry as Wanted

__all__ = ["Telemetry"]


class Telemetry:
    """The supervisor's view of the sampler.

    Nothing here fails a run: when the sampler ends, samples end, and the manifest says so.

    Parameters
    ----------
    wanted
        The section of the spec.
    data
        The manifest, changed in place: ``metrics``, ``devices`` and ``telemetry``.
    """

    def __init__(self, wanted: Wanted, data: dict[str, Any]) -> None:  # Any: JSON
        self._wanted = wanted
        self._data = data
        self._section: dict[str, Any] = data["telemetry"]
        self._section["status"] = "starting" if wanted.chosen else "off"

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to sample."""
        return bool(self._wanted.chosen)

    def heard(self, message: dict[str, Any]) -> bool:  # Any: JSON
        """Take a message of the sampler; whether the manifest has changed."""
        if message["kind"] == "tables":
            self._data["metrics"], self._data["devices"] = message["metrics"], message["devices"]
            self._section.update(message["telemetry"])
        elif message["kind"] == "ready":
            self._section["status"] = "sampling"
        return message["kind"] in ("tables", "ready")

    def late(self, seconds: float) -> None:
        """Note that the load begins before all probes are open."""
        self._section["notes"].append(
            f"the sampler was not ready within {seconds:g} s (timeouts: {{probe: ...}}): "
            "the load began without it"
        )

    def ended(self, sampler: Child) -> None:
        """Note how the sampler ended."""
        if "closed" in sampler.said:
            self._section["status"] = "ended"
            return
        self._section["status"] = "failed"
        self._section["notes"].append(
            f"the sampler ended: {how_it_ended(sampler.status)}; there are no samples after that. "
            "What it said stands in engine.log"
        )

    def idle_s(self, sampler: Child | None) -> float:
        """How long to look at the idle machine before the load; 0 where nothing shows power."""
        ready = sampler.said.get("ready") if sampler is not None else None
        return self._wanted.idle if ready and ready["power"] else 0.0

    def was_idle(self, begin_ns: int, end_ns: int) -> None:
        """Note when the machine was idle, with all pipelines ready."""
        self._section["idle"] = {"begin_ns": begin_ns, "end_ns": end_ns}
