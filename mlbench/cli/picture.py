"""A pipeline's graph as text: chains run down, branches stand to the right.

.. code-block:: text

    grade  rag.grade
    ├─ relevant ▸ generate  rag.generate
    └─ irrelevant ▸ rewrite  rag.rewrite  2 visits, then generate
       │
       ↺ retrieve
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.text import Text

from mlbench.check import Edges, Graph, Node
from mlbench.cli.page import name
from mlbench.cli.text import plain

__all__ = ["picture"]


def picture(graph: Graph) -> Iterator[Text]:
    """The lines: the data, then each stage once; where it is met again, its name alone."""
    yield _line("", "data", graph.spec.data.uses, *_data_notes(graph))
    yield Text("│", style="dim")
    yield from _Drawing(graph).chain(graph.nodes[graph.entry], "", "", ())


@dataclass
class _Drawing:
    """What has been drawn already."""

    graph: Graph
    drawn: set[int] = field(default_factory=set)

    def chain(self, node: Node, lead: str, indent: str, above: tuple[int, ...]) -> Iterator[Text]:
        """A stage and what follows it.

        Parameters
        ----------
        lead, indent
            What stands before its line, and before those below it.
        above
            The stages between the entry and this one, which an edge may lead back to.
        """
        while True:
            if node.index in self.drawn:
                yield self._again(node, lead, back=node.index in above)
                return
            self.drawn.add(node.index)
            above = (*above, node.index)
            yield _line(lead, node.name, node.spec.uses, *_notes(self.graph, node))
            if node.edges is not Edges.ONE:
                break
            yield Text(f"{indent}│", style="dim")
            node, lead = self.graph.nodes[node.targets[0]], indent
        yield from self._branches(node, indent, above)

    def _branches(self, node: Node, indent: str, above: tuple[int, ...]) -> Iterator[Text]:
        branches = list(_successors(node))
        for position, (output, target) in enumerate(branches):
            last = position == len(branches) - 1
            label = f" {plain(output)} " if output else ""
            lead = f"{indent}{'└' if last else '├'}─{label}▸ "
            below = f"{indent}{'   ' if last else '│  '}"
            yield from self.chain(self.graph.nodes[target], lead, below, above)

    def _again(self, node: Node, lead: str, back: bool) -> Text:
        line = Text(lead, style="dim")
        line.append("↺ " if back else "", style="dim")
        line.append_text(name(node.name))
        line.append("" if back else "  drawn above", style="dim")
        return line


def _line(lead: str, stage: str, uses: str, *notes: str) -> Text:
    line = Text(lead, style="dim")
    line.append_text(name(stage, "bold"))
    line.append(f"  {plain(uses)}", style="cyan")
    for note in notes:
        line.append(f"  {plain(note)}", style="dim")
    return line


def _successors(node: Node) -> Iterator[tuple[str, int]]:
    """What leaves a fan-out or a router: output, empty for a fan-out, and stage."""
    routes: Mapping[str, int] = node.routes
    yield from routes.items()
    for target in node.targets:
        yield "", target


def _data_notes(graph: Graph) -> Iterator[str]:
    data = graph.spec.data
    yield data.order
    if data.items_per_query > 1:
        yield f"{data.items_per_query} items a query"


def _notes(graph: Graph, node: Node) -> Iterator[str]:
    """What is particular about a stage."""
    names = [each.name for each in graph.nodes]
    if node.join:
        yield f"joins {', '.join(names[source] for source in node.join)}"
    if node.edges is Edges.FAN:
        yield "to all of"
    if node.edges is Edges.ROUTE:
        yield "to one of"
    if node.spec.max_visits is not None and node.then is not None:
        yield f"{node.spec.max_visits} visits, then {names[node.then]}"
    if node.spec.batch is not None:
        yield f"batches of {node.spec.batch.size}"
    if node.spec.workers > 1:
        yield f"{node.spec.workers} workers"
