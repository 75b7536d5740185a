"""What a run is made of, before any process of it starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from mlbench.check.find import find_choice
from mlbench.engine.children import Tenant
from mlbench.engine.driver import Lane
from mlbench.engine.opened import Surroundings
from mlbench.engine.sampler import Brief
from mlbench.errors import SpecError
from mlbench.interfaces.load import LoadModel, OpenLoad
from mlbench.interfaces.placement import PlacementMethod
from mlbench.placements.cpus import (
    ResolvedPlacement,
    divide_here,
    environment,
    harness_here,
    is_apart_here,
)
from mlbench.placements.visible import VISIBLE
from mlbench.spec import Request, Stop

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """The loads and stop rules of the pipelines that run, and the placements of all, by name.

    ``harness`` are the processors of what measures.

    What else a spec names is imported by its own worker alone: a library reads its number
    of threads when it is imported, and a fork inherits them.
    """

    request: Request
    loads: Mapping[str, LoadModel]
    places: Mapping[str, ResolvedPlacement]
    stops: Mapping[str, Stop | None]
    harness: tuple[int, ...]

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
        places = divide_here(bench)
        return cls(request, loads, places, stops, harness_here(places))

    @property
    def is_apart(self) -> bool:
        """Whether what measures has cores of its own."""
        return is_apart_here(self.places)

    def surrounded(self, stack: ExitStack) -> dict[str, Mapping[str, str]]:
        """Put up what stands around the workers; ``stack`` takes it down.

        Returns
        -------
        dict
            The variables that each worker's environment gets from its placement method.
        """
        found: dict[str, Mapping[str, str]] = {}
        shared: dict[tuple[type, str], Mapping[str, str]] = {}
        for name in self.request.names:
            method, device = self._sharing_of(name), self.places[name].device
            if method is not None:
                key = (type(method), device)
                if key not in shared:
                    shared[key] = stack.enter_context(method.together(device))
                found[name] = {**shared[key], **stack.enter_context(method.around(device))}
        return found

    def _sharing_of(self, name: str) -> PlacementMethod | None:
        """How a pipeline shares its device; null for time slices."""
        sharing = self.request.bench.pipelines[name].place.sharing
        if sharing is None:
            return None
        path = ("pipelines", name, "place", "sharing")
        method = find_choice(sharing, "placements", PlacementMethod, path)  # type: ignore[type-abstract]  # only compared with
        if method.made is None:
            raise SpecError(method.problems)
        return method.made

    def surroundings(self, name: str, variables: Mapping[str, str]) -> Surroundings:
        """What a worker's stages see; a device that alone is visible is number 0 to them."""
        place, bench = self.places[name], self.request.bench
        device = "cuda:0" if VISIBLE in variables else place.device
        return Surroundings(device, place.threads, bench.seed, self.request.block)

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

    def brief(self, tenants: Iterable[Tenant]) -> Brief:
        """What the sampler needs to know of the workers, which run already."""
        bench = self.request.bench
        return Brief(
            telemetry=bench.telemetry,
            workers={tenant.name: tenant.pid for tenant in tenants},
            codes={name: code for code, name in enumerate(self.request.names)},
            patience_s=bench.timeouts.probe,
        )

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
