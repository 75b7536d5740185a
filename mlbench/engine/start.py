"""The start of a worker: forked, placed, and given what it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mlbench.engine.children import Tenant
from mlbench.engine.local import with_objects
from mlbench.engine.plan import Plan
from mlbench.engine.process import fork
from mlbench.engine.worker import work
from mlbench.placements.cpus import environment, pin

__all__ = ["start_worker"]


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
