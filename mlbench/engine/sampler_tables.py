"""The names behind the codes of samples, and what became of each probe: for the manifest."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from mlbench.engine.sampler_post import Post
from mlbench.interfaces.probe import Device, Metric

__all__ = ["Tables"]


class Tables:
    """Metrics and devices in the order of their codes.

    Parameters
    ----------
    rates
        Readings per second of each tier.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._rates = rates
        self._metrics: list[tuple[str, Metric]] = []
        self._devices: list[str] = []
        self._lock = threading.Lock()
        self.failed: dict[str, str] = {}

    def declare(self, probe: str, metrics: Iterable[Metric]) -> dict[str, int]:
        """The codes of a probe's metrics.

        Raises
        ------
        ValueError
            If another probe has a metric of the same name.
        """
        names = {metric.name: owner for owner, metric in self._metrics}
        declared = tuple(metrics)
        for metric in declared:
            if metric.name in names:
                owner = names[metric.name]
                raise ValueError(f"its metric {metric.name!r} is one of the probe {owner!r}, too")
        first = len(self._metrics)
        self._metrics += [(probe, metric) for metric in declared]
        return {metric.name: first + index for index, metric in enumerate(declared)}

    def device_code(self, name: str) -> int:
        """The code of a device, from any thread."""
        with self._lock:
            if name not in self._devices:
                self._devices.append(name)
            return self._devices.index(name)

    def document(self, posts: Iterable[Post]) -> dict[str, Any]:  # Any: JSON
        """What stands in the manifest: ``metrics``, ``devices`` and ``telemetry``."""
        posts = list(posts)
        for post in posts:
            for name in list(post.context.devices):
                self.device_code(name)
        return {
            "metrics": [self._metric(owner, metric, posts) for owner, metric in self._metrics],
            "devices": [_device(name, posts) for name in list(self._devices)],
            "telemetry": {
                "probes": {**self._failed(), **{post.name: _probe(post) for post in posts}},
                "notes": [
                    *(f"the probe {name} failed: {why}" for name, why in self.failed.items()),
                    *_notes(posts),
                ],
            },
        }

    def _metric(self, owner: str, metric: Metric, posts: list[Post]) -> dict[str, Any]:  # Any: JSON
        post = next((each for each in posts if each.name == owner), None)
        entry = {
            **asdict(metric),
            "probe": owner,
            "rate_hz": self._rates.get(metric.tier),
            "null_reasons": {},
        }
        if post is None:
            return entry
        entry["source"] = post.context.sources.get(metric.name, metric.source)
        reasons = {
            device or "": why
            for (name, device), why in list(post.context.nulls.items())
            if name == metric.name
        }
        if post.status in ("failed", "hung"):
            reasons.setdefault("", f"its probe {post.status}: {post.reason}")
        return {**entry, "null_reasons": reasons}

    def _failed(self) -> dict[str, dict[str, str]]:
        return {name: {"status": "failed", "reason": why} for name, why in self.failed.items()}


def _probe(post: Post) -> dict[str, str | None]:
    return {"status": post.status, "reason": post.reason}


def _device(name: str, posts: list[Post]) -> dict[str, Any]:  # Any: JSON
    """What the probes know of a device: each may have told a part."""
    found = asdict(Device(name, "unknown", "unknown"))
    lost: tuple[int, str] | None = None
    for post in posts:
        device = post.context.devices.get(name)
        if device is not None:
            told = {key: value for key, value in asdict(device).items() if value}
            found.update(told)
        lost = lost or post.context.ended.get(name)
    found["lost_ns"], found["reason"] = lost or (None, None)
    return found


def _notes(posts: list[Post]) -> Iterable[str]:
    """What whoever reads the samples has to know, without repeating itself."""
    said: dict[str, None] = {}
    for post in posts:
        said.update(dict.fromkeys(list(post.context.notes)))
        for device, (_, why) in list(post.context.ended.items()):
            said[f"{device} was lost: {why}; its samples end there"] = None
        if post.status in ("failed", "hung"):
            said[f"the probe {post.name} {post.status}: {post.reason}"] = None
    return said
