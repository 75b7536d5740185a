"""What a run is made of, before any process of it starts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from mlbench.check.find import find_choice
from mlbench.engine.children import Tenant
from mlbench.engine.driver import Lane
from mlbench.errors import SpecError
from mlbench.interfaces.load import LoadModel, OpenLoad
from mlbench.interfaces.placement import PlacementMethod
from mlbench.placements.cpus import ResolvedPlacement, divide_here, environment
from mlbench.spec import Request, Stop

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """The loads, placements and stop rules of the pipelines that run, by name.

    What else a spec names is imported by its own worker alone: a library reads its number
    of threads when it is imported, and a fork inherits them.
    """

    request: Request
    loads: Mapping[str, LoadModel]
    places: Mapping[str, ResolvedPlacement]
    stops: Mapping[str, Stop | None]

    @classmethod
    def of(cls, request: Request) -> Plan:
        """The plan of a request.

        Raises
        ------
        SpecError
            If a load cannot be found or configured.
        """
        names, bench = request.names, request.bench
        loads = {name: _load_of(request, name) for name in names}
        windowed = request.window is not None
        stops = dict.fromkeys(names) if windowed else bench.stop_rules(names)
        return cls(request, loads, divide_here(bench), stops)

    def surrounded(self, stack: ExitStack) -> dict[str, Mapping[str, str]]:
        """Put up what stands around the workers; ``stack`` takes it down.

        Returns
        -------
        dict
            The variables that each worker's environment gets from its placement method.
        """
        found: dict[str, Mapping[str, str]] = {}
        for name in self.request.names:
            sharing = self.request.bench.pipelines[name].place.sharing
            if sharing is not None:
                path = ("pipelines", name, "place", "sharing")
                method = find_choice(sharing, "placements", PlacementMethod, path)  # type: ignore[type-abstract]  # only compared with
                if method.made is None:
                    raise SpecError(method.problems)
                device = self.places[name].device
                found[name] = stack.enter_context(method.made.around(device))
        return found

    def drains_for_ever(self, name: str) -> bool:
        """Whether a load is measured to its last completion: only a query's limit ends it."""
        return bool(getattr(self.loads[name], "until_last_completion", False))

    def entry(self, tenant: Tenant) -> dict[str, Any]:  # Any: JSON
        """What the manifest says of a pipeline before it has started."""
        place = self.places[tenant.name]
        return {
            "status": "waiting",
            "reason": None,
            "folder": tenant.folder.name,
            "stages": [*self.request.bench.pipelines[tenant.name].stages, "data"],
            "routes": [],
            "events": [],
            "placement": asdict(place),
            "environment": environment(place),
            "load": {
                "kind": "open" if tenant.open_load else "closed",
                "until_last_completion": self.drains_for_ever(tenant.name),
                "begin_ns": None,
                "end_ns": None,
                "ended": None,
            },
            "timed_out": [],
            "stalled_ns": 0,
        }

    def lane(self, tenant: Tenant) -> Lane:
        """What the driver needs to know of an open load."""
        load, bench = self.loads[tenant.name], self.request.bench
        data = bench.pipelines[tenant.name].data
        assert isinstance(load, OpenLoad)
        return Lane(
            name=tenant.name,
            code=self.request.names.index(tenant.name),
            load=load,
            stop=self.stops[tenant.name],
            seed=bench.seed,
            block=self.request.block,
            shuffled=data.order == "shuffled",
            items_per_query=data.items_per_query,
            inbox=tenant.desk.inbox[1],
            page=tenant.desk.page,
            backlog=bench.limits.backlog,
        )


def _load_of(request: Request, name: str) -> LoadModel:
    path = ("pipelines", name, "load")
    found = find_choice(request.bench.pipelines[name].load, "loads", LoadModel, path)
    if found.made is None:
        raise SpecError(found.problems)
    return found.made
