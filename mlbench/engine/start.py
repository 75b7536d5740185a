"""The start of a worker: forked, placed, and given what it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlbench.engine.children import Tenant
from mlbench.engine.desk import Desk
from mlbench.engine.local import with_objects
from mlbench.engine.plan import Plan
from mlbench.engine.process import fork
from mlbench.engine.rings import RunRings
from mlbench.engine.worker import work
from mlbench.interfaces.load import OpenLoad
from mlbench.placements.cpus import environment, pin
from mlbench.store.layout import folder_of

__all__ = ["seated", "start_worker"]


def seated(run: Path, plan: Plan, rings: RunRings) -> dict[str, Tenant]:
    """The worker of each pipeline, not started yet, with its desk and its folder."""
    codes = {name: code for code, name in enumerate(plan.request.bench.pipelines)}
    found = {}
    for name, own in zip(plan.request.names, rings.workers, strict=True):
        desk, folder = Desk(rings=own), folder_of(run, codes[name], name)
        folder.mkdir(parents=True)
        found[name] = Tenant(
            name, desk.outbox[0], desk.control[1], desk=desk, folder=folder,
            open_load=isinstance(plan.loads[name], OpenLoad),
            background=plan.stops[name] is None,
        )  # fmt: skip
    return found


def start_worker(
    tenant: Tenant, plan: Plan, variables: Mapping[str, str], local_code: bytes
) -> None:
    """Fork the worker of a pipeline; its ends of the pipes are closed here.

    Parameters
    ----------
    variables
        What its environment gets from its placement method.
    local_code
        The stages that only the caller has, pickled.
    """
    name, desk = tenant.name, tenant.desk
    place, around = plan.places[name], plan.surroundings(name, variables)

    def body() -> int:
        os.environ.update({**environment(place), **variables})
        pin(place)
        request = with_objects(plan.request, local_code)
        return work(request, name, desk, around, plan.stops[name])

    tenant.started(fork(name, body, desk.kept, output=tenant.folder / "stderr.log"))
    for fd in (desk.inbox[0], desk.control[0], desk.outbox[1], desk.texts[1]):
        os.close(fd)
