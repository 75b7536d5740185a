"""Stages that only the caller has: they come through the engine's standard input, pickled.

They never lie in a run directory: opening a run executes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlbench.spec import Request

__all__ = ["with_objects"]


def with_objects(request: Request, pickled: bytes) -> Request:
    """The request with each local name replaced by the object that came for it."""
    if not pickled:
        return request
    import cloudpickle

    objects: Mapping[str, object] = cloudpickle.loads(pickled)
    data = request.complete()
    bench = data["bench"]
    bench["pipelines"] = {
        name: _pipeline(each, objects) for name, each in bench["pipelines"].items()
    }
    return Request.model_validate(data)


def _pipeline(pipeline: dict[str, Any], objects: Mapping[str, object]) -> dict[str, Any]:
    def use(each: dict[str, Any]) -> dict[str, Any]:
        return {**each, "uses": objects.get(each["uses"], each["uses"])}

    named = {
        group: {name: use(each) for name, each in pipeline.get(group, {}).items()}
        for group in ("resources", "stages")
    }
    return {**pipeline, **named, "data": use(pipeline["data"])}
