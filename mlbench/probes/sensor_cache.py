"""What was found out about power sensors on this machine, kept for runs to come.

A look at an idle sensor shows how often it publishes, and not how much of that time it sees:
that takes a load of known shape (``make gpu-check``). The file has it by GPU and driver.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlbench.stages.text.cache import cache_directory

__all__ = ["Sensor", "keep_sensor", "known_sensor"]

FILE = "power_sensors.json"


@dataclass(frozen=True)
class Sensor:
    """A power sensor.

    Parameters
    ----------
    period_ms
        How often it publishes a value.
    window_ms
        Over how much of the time before each value is the mean; null if that is not known.
    """

    period_ms: float
    window_ms: float | None = None


def known_sensor(uuid: str | None, driver: str | None) -> Sensor | None:
    """The sensor of a GPU under a driver; null where nobody has looked, or the file is damaged."""
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))[_key(uuid, driver)]
        window = found["window_ms"]
        return Sensor(float(found["period_ms"]), None if window is None else float(window))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_sensor(uuid: str | None, driver: str | None, sensor: Sensor) -> Path:
    """Keep what was found out, and say where.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = _path()
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    everything = {**(known if isinstance(known, dict) else {}), _key(uuid, driver): asdict(sensor)}
    partial.write_text(json.dumps(everything, indent=2), encoding="utf-8")
    partial.rename(path)
    return path


def _path() -> Path:
    return cache_directory() / FILE


def _key(uuid: str | None, driver: str | None) -> str:
    return f"{uuid} {driver}"
