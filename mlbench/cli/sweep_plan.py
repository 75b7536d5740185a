"""A plan on the page: what it would execute, and about how long that takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from mlbench.cli.numbers import duration
from mlbench.cli.page import Page, name
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import one_line, plain
from mlbench.sweep.cost import min_blocks, point_seconds
from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.state import PointState, is_finished

__all__ = ["outline_of", "print_outline"]

Json = Mapping[str, Any]
"""A document; Any: JSON."""

MOST_ROWS = 20


def outline_of(manifest: SweepManifest, found: Mapping[str, PointState]) -> dict[str, Any]:
    """What is to be executed, as plain data; Any: JSON.

    Parameters
    ----------
    found
        The states of points that were begun; without one a point is planned.
    """
    attempts = manifest.plan.contamination.attempts
    left = [
        point
        for point in manifest.points
        if point.id not in found or not is_finished(found[point.id], attempts)
    ]
    each_s, how = point_seconds(manifest, found)
    return {
        "title": manifest.title,
        "kind": manifest.kind,
        "points": len(manifest.points),
        "left": len(left),
        "skipped": manifest.skipped,
        "combinations": len({point.combination for point in manifest.points}),
        "repeats": manifest.plan.repeats,
        "min_blocks": min_blocks(manifest),
        "blocks": len(manifest.blocks),
        "point_seconds": each_s,
        "seconds": None if each_s is None else each_s * len(left),
        "estimated": how,
        "plan": [
            {"point": point.id, "block": point.block, "parameters": point.parameters}
            for point in left
        ],
    }


def print_outline(manifest: SweepManifest, outline: Json, page: Page) -> None:
    """Print the points in the order of their execution, and how long all of them take."""
    page.print(name(outline["title"], "bold"))
    order = [point for block in manifest.blocks for point in block.points]
    place = {point: index for index, point in enumerate(order)}
    rows = sorted(outline["plan"], key=lambda row: place[row["point"]])[:MOST_ROWS]
    names = list(rows[0]["parameters"]) if rows else []
    columns = [Column("block", [Text(row["block"]) for row in rows], "left")]
    columns += [
        Column(
            plain(each), [name(one_line(str(row["parameters"][each]), 40)) for row in rows], "left"
        )
        for each in names
    ]
    page.print(table_of(columns))
    if outline["left"] > len(rows):
        page.print(Text(f"... and {outline['left'] - len(rows)} more", style="dim"))
    page.print(Text(_total(outline)))
    if outline["repeats"] < outline["min_blocks"]:
        page.print(Text(_too_few(outline), style="yellow"))


def _too_few(outline: Json) -> str:
    """That no study can be VALID: in a sweep each repeat of the plan is one block of it."""
    return (
        f"{outline['repeats']} of the {outline['min_blocks']} blocks that a study needs to be "
        "VALID: each repeat of the plan is one (plan: {repeats}, spec: study: {min_blocks})"
    )


def _total(outline: Json) -> str:
    skipped = f", {outline['skipped']} skipped" if outline["skipped"] else ""
    text = (
        f"{outline['combinations']} sets of parameters{skipped}, {outline['repeats']} repeats, "
        f"{outline['blocks']} blocks: {outline['left']} points"
    )
    if outline["seconds"] is None:
        return f"{text}; {outline['estimated']}"
    each, whole = duration(outline["point_seconds"]), duration(outline["seconds"])
    return f"{text} of about {each} ({outline['estimated']}): {whole}"
