"""Where and with what a point was executed."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from mlbench import __version__
from mlbench.machine.fingerprint import fingerprint
from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.resources import Resources
from mlbench.sweep.state import host
from mlbench.sweep.versions import commit_of

__all__ = ["provenance_of"]


def provenance_of(manifest: SweepManifest, used: Resources) -> dict[str, Any]:  # Any: JSON
    """What a row of the results says of its origin.

    Returns
    -------
    dict
        ``host``, ``machine`` (its identity), ``gpu`` (names of the GPUs that the point has),
        ``gpus`` (their UUIDs), ``cpus``, ``driver``, ``python``, ``mlbench``, ``commit``,
        ``dirty``, ``source`` (hash of what is executed) and ``environment``.
    """
    machine = fingerprint()
    gpus = machine["gpus"]
    names = [gpu["name"] for gpu in gpus["devices"] if gpu["uuid"] in used.gpus]
    return {
        "host": host(),
        "machine": machine["identity"],
        "gpu": ", ".join(name for name in names if name) or None,
        "gpus": list(used.gpus),
        "cpus": list(used.cpus),
        "driver": gpus["driver"],
        "python": platform.python_version(),
        "mlbench": __version__,
        **commit_of(Path(manifest.plan.target).parent),
        "source": manifest.versions.get("source"),
        "environment": dict(manifest.plan.environment),
    }
