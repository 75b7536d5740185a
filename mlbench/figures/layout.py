"""Where the stages of a pipeline stand in a drawing: layers from left to right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from mlbench.spec import Pipeline, StageSpec

__all__ = ["Arrow", "Layout", "layout_of"]

SWEEPS = 8


@dataclass(frozen=True)
class Arrow:
    """An edge between two stages.

    Parameters
    ----------
    label
        The output of a router, empty for others.
    back
        Whether it closes a cycle.
    """

    source: str
    target: str
    label: str = ""
    back: bool = False


@dataclass(frozen=True)
class Layout:
    """A drawing of a graph.

    Parameters
    ----------
    places
        Layer, from 0, and row of each stage; rows are centred around 0.
    arrows
        All edges.
    bends
        For an edge over several layers, its row in each of those between.
    """

    places: Mapping[str, tuple[int, float]]
    arrows: tuple[Arrow, ...]
    bends: Mapping[Arrow, tuple[float, ...]]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return 1 + max(layer for layer, _ in self.places.values())

    @property
    def rows(self) -> list[float]:
        """All rows, of stages and of edges between two, from the top."""
        rows = {row for _, row in self.places.values()}
        return sorted(rows | {row for bends in self.bends.values() for row in bends})

    @property
    def top(self) -> float:
        """The highest row."""
        return self.rows[0]


def layout_of(pipeline: Pipeline) -> Layout:
    """The layout of a pipeline's graph, by Sugiyama's three steps.

    Edges that close a cycle are left out, each stage comes one layer after the last of those
    that lead to it, and the stages of a layer are ordered by the mean row of their neighbours
    (barycentres, a few sweeps). An edge over several layers keeps a row free in each.

    Examples
    --------
    >>> stages = {"a": {"uses": "x", "to": "b"}, "b": {"uses": "y"}}
    >>> layout_of(Pipeline(data={"uses": "d"}, stages=stages)).places
    {'a': (0, 0.0), 'b': (1, 0.0)}
    """
    arrows = _arrows(pipeline.stages, pipeline.first)
    layers = _layers(pipeline.stages, arrows)
    forward = [arrow for arrow in arrows if not arrow.back]
    knots = {arrow: _knots(arrow, layers) for arrow in forward}
    inner = {knot: layer for chain in knots.values() for knot, layer in chain.items()}
    links = [link for arrow in forward for link in _links(arrow, list(knots[arrow]))]
    rows = _rows(dict([*layers.items(), *inner.items()]), links)
    return Layout(
        places={name: (layers[name], rows[name]) for name in layers},
        arrows=tuple(arrows),
        bends={arrow: tuple(rows[k] for k in chain) for arrow, chain in knots.items() if chain},
    )


Knot = tuple[Arrow, int]
"""Where an edge passes a layer."""

Link = tuple["str | Knot", "str | Knot"]


def _knots(arrow: Arrow, layers: Mapping[str, int]) -> dict[Knot, int]:
    """The knots of an edge, with their layers."""
    return {(arrow, at): at for at in range(layers[arrow.source] + 1, layers[arrow.target])}


def _links(arrow: Arrow, knots: list[Knot]) -> list[Link]:
    """The parts of an edge, each over one layer."""
    chain: list[str | Knot] = [arrow.source, *knots, arrow.target]
    return list(pairwise(chain))


def _arrows(stages: Mapping[str, StageSpec], first: str) -> list[Arrow]:
    """All edges; those that lead back to a stage on the way to them are marked."""
    found: list[Arrow] = []
    open_stages: set[str] = set()
    closed: set[str] = set()

    def visit(name: str) -> None:
        open_stages.add(name)
        for label, target in _successors(stages[name]):
            back = target in open_stages
            found.append(Arrow(name, target, label, back))
            if target not in closed and not back and target in stages:
                visit(target)
        open_stages.discard(name)
        closed.add(name)

    for name in (first, *stages):
        if name not in closed:
            visit(name)
    return found


def _successors(spec: StageSpec) -> list[tuple[str, str]]:
    if spec.to is None:
        direct: list[tuple[str, str]] = []
    elif isinstance(spec.to, str):
        direct = [("", spec.to)]
    elif isinstance(spec.to, dict):
        direct = list(spec.to.items())
    else:
        direct = [("", target) for target in spec.to]
    return [*direct, *([("then", spec.then)] if spec.then else [])]


def _layers(stages: Mapping[str, StageSpec], arrows: list[Arrow]) -> dict[str, int]:
    """The longest way to each stage, over edges that do not lead back."""
    layers = dict.fromkeys(stages, 0)
    for _ in stages:  # as often as the longest way is long
        for arrow in arrows:
            if not arrow.back:
                layers[arrow.target] = max(layers[arrow.target], layers[arrow.source] + 1)
    return layers


def _rows(layers: Mapping[str | Knot, int], links: list[Link]) -> dict[str | Knot, float]:
    """The row of each stage and knot, in the order of its neighbours' rows."""
    columns: dict[int, list[str | Knot]] = {}
    for name, layer in layers.items():
        columns.setdefault(layer, []).append(name)
    rows = {name: row for column in columns.values() for name, row in _centred(column).items()}
    for sweep in range(SWEEPS):
        for layer in sorted(columns, reverse=bool(sweep % 2)):
            columns[layer].sort(key=lambda name: _mean_row(name, links, rows))
            rows.update(_centred(columns[layer]))
    return rows


def _centred(column: list[str | Knot]) -> dict[str | Knot, float]:
    return {name: place - (len(column) - 1) / 2 for place, name in enumerate(column)}


def _mean_row(name: str | Knot, links: list[Link], rows: Mapping[str | Knot, float]) -> float:
    near = [rows[source] for source, target in links if target == name]
    near += [rows[target] for source, target in links if source == name]
    return sum(near) / len(near) if near else rows[name]
