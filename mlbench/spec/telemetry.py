"""The telemetry section of a spec: what is sampled beside the pipelines, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mlbench.spec.model import Name, SpecModel

__all__ = ["BUILT_IN", "Rates", "Telemetry"]

BUILT_IN = ("nvml", "gpm", "process", "host", "rapl")
"""The probes that run unless the spec says otherwise."""

Rate = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]

Options = dict[str, Any]  # Any: checked against the named class by `check`


class Rates(SpecModel):
    """Readings per second.

    Parameters
    ----------
    fast
        Power, energy and memory of devices.
    medium
        Activity of devices, and what each pipeline uses.
    slow
        Clocks, temperatures, and the machine as a whole.
    rare
        Which processes a pipeline has, their input, output and context switches.
    """

    fast: Rate = 20
    medium: Rate = 10
    slow: Rate = 2
    rare: Rate = 1


class Telemetry(SpecModel):
    """What is sampled; ``telemetry: off`` samples nothing.

    Parameters
    ----------
    enabled
        Whether a sampler runs.
    rates
        How often what is read.
    probes
        Options of built-in probes, and others that are to run too, by their registered
        names; ``off`` leaves one out.
    idle
        Seconds before the load in which the sampler sees what the machine draws while all
        pipelines are ready and wait; only where something measures power.

    Examples
    --------
    >>> Telemetry.model_validate("off").chosen
    {}
    >>> list(Telemetry(probes={"gpm": "off", "rapl": "off", "example_uptime": {}}).chosen)
    ['nvml', 'process', 'host', 'example_uptime']
    """

    enabled: bool = True
    rates: Rates = Rates.model_construct()
    probes: dict[Name, Literal["off"] | Options] = {}
    idle: float = Field(default=1, ge=0, le=3600, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _from_switch(cls, value: object) -> object:
        """Take ``on`` and ``off``, which are text in YAML 1.2."""
        switches: Mapping[object, bool] = {"on": True, "off": False, True: True, False: False}
        if isinstance(value, str | bool) and value in switches:
            return {"enabled": switches[value]}
        return value

    @property
    def chosen(self) -> dict[str, Options]:
        """The options of each probe that runs, by name."""
        if not self.enabled:
            return {}
        wanted: dict[str, Any] = {**{name: {} for name in BUILT_IN}, **self.probes}
        return {name: dict(options) for name, options in wanted.items() if options != "off"}
