"""The report: the same content as one JSON document and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.part import Outcome, Site
from mlbench import __version__

__all__ = ["document", "page", "written"]

STAND_IN = (
    "**Stand-in**: the library is none of NVIDIA's. It plays a script; no number here says "
    "anything about a GPU."
)


def document(site: Site, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "mlbench": __version__,
        "source": "stand-in" if site.is_stand_in else "NVML",
        "gpu": {"model": site.model, "uuid": site.uuid, "driver": site.driver},
        "parts": {each.name: _plain(each) for each in outcomes},
    }


def _plain(outcome: Outcome) -> dict[str, Any]:
    found = {"seconds": round(outcome.seconds, 1), "result": outcome.result}
    return found if outcome.reason is None else {**found, "reason": outcome.reason}


def page(found: Mapping[str, Any]) -> str:
    """The document in Markdown, a section for each part."""
    gpu = found["gpu"]
    lines = [f"# {gpu['model']}, driver {gpu['driver']}", ""]
    lines += [STAND_IN, ""] if found["source"] == "stand-in" else []
    for name, part in found["parts"].items():
        lines += [f"## {name}", ""]
        if part["result"] is None:
            lines += [f"None: {part['reason']}", ""]
            continue
        lines += ["| what | value |", "|---|---|", *_rows(part["result"]), ""]
        lines += [f"Took {part['seconds']} s.", ""]
    return "\n".join(lines)


def _rows(result: object, above: str = "") -> Iterator[str]:
    """One row a number; what stands in what is shown by the names before it."""
    items: Iterable[tuple[object, object]]
    if isinstance(result, Mapping):
        items = result.items()
    elif isinstance(result, list):
        items = enumerate(result)
    else:
        text = f"{result:.5g}" if isinstance(result, float) else str(result)
        yield f"| {above} | {text.replace('|', '/')} |"
        return
    for key, value in items:
        yield from _rows(value, f"{above} › {key}" if above else str(key))


def written(found: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write ``report.json`` and ``report.md``, and say where they are."""
    data, text = folder / "report.json", folder / "report.md"
    data.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    text.write_text(page(found), encoding="utf-8")
    return data, text
