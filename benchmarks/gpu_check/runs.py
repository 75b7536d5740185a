"""Runs on the GPU: two tenants under each placement, the antagonists' dials, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.gpu_check.cadence import cadence
from benchmarks.gpu_check.part import Site
from mlbench import Benchmark, Run, start
from mlbench.collocation.observer import observer_effect
from mlbench.machine.gpu import read_gpus
from mlbench.placements.mig import Mig
from mlbench.placements.mps import Mps

__all__ = ["dials", "observer", "placements", "tokens"]

LEVELS = (0.0, 0.25, 0.5, 1.0)
ANTAGONISTS = {"antagonist.sm": "gflop_per_s", "antagonist.device_memory": "gb_per_s"}
DEVICE = "cuda:0"
RUN_S, DIAL_S, LIMIT_S = 4, 2, 90.0


def placements(site: Site) -> dict[str, Any]:
    """Two tenants, arithmetic and memory traffic, under every way to share that there is here."""
    return {name: _under(site, name, ways) for name, ways in _ways().items()}


def dials(site: Site) -> dict[str, Any]:
    """What each antagonist achieves at each level of its dial, alone on the GPU."""
    return {
        stage: {
            str(level): _mean(_ended(_start(site, {"it": _tenant(stage, level)}, DIAL_S)), "it")
            for level in LEVELS
        }
        for stage in ANTAGONISTS
    }


def observer(site: Site) -> dict[str, Any]:  # noqa: ARG001  (its GPU is the first one)
    """What the sampler does to arithmetic on the GPU."""
    return {f"{each.rate_hz:g} Hz": each.to_dict()["slowdown"] for each in
            observer_effect(blocks=3, on="gpu")}  # fmt: skip


def tokens(site: Site) -> dict[str, Any]:
    """A language model that answers on the GPU."""
    pipeline = {
        "data": {"uses": "text.paragraphs"},
        "place": {"device": DEVICE},
        "stages": {"answer": {"uses": "text.generate", "with": {"max_new_tokens": 32}}},
    }
    run = _ended(_start(site, {"answers": pipeline}, 10))
    spans = run.spans()
    measured = spans[(spans["stage"] == "answer") & (spans["query"] >= 0)]
    device_ns = measured["device_ns"].dropna()
    found = run.summary()["pipelines"]["answers"]
    wanted = ("queries", "errors", "achieved_rate", "tokens")
    kept = {key: found[key] for key in wanted if key in found}
    return {**kept, "device_timed_spans": len(device_ns), "recording": run.path.name}


def _ways() -> Mapping[str, list[Any] | str]:
    """``place.sharing`` of the two tenants by name, or why a way does not exist here."""
    instances = [
        instance.uuid
        for gpu in read_gpus(processes=False).devices
        for instance in gpu.mig_instances
        if instance.uuid
    ]
    found: dict[str, list[Any] | str] = {
        "time slices": "the GPU is cut by MIG" if instances else [None, None],
        "mps": Mps().missing() or [{"mps": {"active_thread_percentage": 50}}] * 2,
        "mig": "fewer than two MIG instances: sudo nvidia-smi -mig 1, then mig -cgi ...",
    }
    if len(instances) > 1:
        first = instances[:2]
        reasons = [reason for each in first if (reason := Mig(uuid=each).missing())]
        found["mig"] = reasons[0] if reasons else [{"mig": {"uuid": each}} for each in first]
    return found


def _under(site: Site, name: str, ways: list[Any] | str) -> dict[str, Any]:
    if isinstance(ways, str):
        return {"reason": ways}
    tenants = dict(zip(ANTAGONISTS, ways, strict=True))
    pipelines = {
        stage.rpartition(".")[2]: _tenant(stage, 1.0, way) for stage, way in tenants.items()
    }
    try:
        run = _start(site, pipelines, RUN_S)
        rows = cadence(site, lambda: run.is_going)
        _ended(run)
    except Exception as error:  # of one placement: the others are still to be looked at
        return {"reason": f"{type(error).__name__}: {error}", "placement": name}
    pids = {str(entry["pid"]): name for name, entry in run.manifest["pipelines"].items()}
    owned = {pids.get(pid, f"pid {pid}"): each for pid, each in rows.pop("processes").items()}
    size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
    return {
        "achieved": {name: _mean(run, name) for name in pipelines},
        "process_rows": {**rows, "of": owned},
        "attribution": list(_split(run)),
        "notes": run.manifest["telemetry"]["notes"],
        "recording": run.path.name,
        "recording_bytes": size,
    }


def _split(run: Run) -> Iterator[dict[str, Any]]:
    frame = run.attribution()
    wanted = frame["part"].isin(["idle", "pipeline", "others"]) & (frame["resource"] != "cpu_s")
    for row in frame[wanted].itertuples():
        named = ("resource", "device", "pipeline", "model", "value", "share")
        yield {key: _plain(getattr(row, key)) for key in named}


def _plain(cell: object) -> object:
    """A cell for JSON: null instead of not a number."""
    return None if cell is None or cell != cell else cell  # noqa: PLR0124  (NaN is what differs)


def _tenant(stage: str, intensity: float, sharing: object = None) -> dict[str, Any]:
    place: dict[str, Any] = {"device": DEVICE}
    if sharing is not None:
        place["sharing"] = sharing
    return {
        "data": {"uses": "synthetic.items"},
        "outputs": "none",
        "place": place,
        "stages": {"press": {"uses": stage, "with": {"intensity": intensity}}},
    }


def _start(site: Site, pipelines: Mapping[str, Any], seconds: float) -> Run:
    spec = {"name": "gpu-check", "stop": {"seconds": seconds}, "pipelines": pipelines}
    return start(Benchmark.model_validate(spec), site.folder)


def _ended(run: Run) -> Run:
    run.wait(LIMIT_S)
    if run.status != "done":
        raise RuntimeError(f"{run.path.name} {run.status}: {'; '.join(run.manifest['reasons'])}")
    return run


def _mean(run: Run, pipeline: str) -> float | None:
    """The mean of what an antagonist achieved."""
    events = run.events()
    mine = events[(events["pipeline"] == pipeline) & events["name"].isin(ANTAGONISTS.values())]
    return float(mine["value"].mean()) if len(mine) else None
