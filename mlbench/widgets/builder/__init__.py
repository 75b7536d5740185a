"""Builder: the graph editor of a benchmark."""

from mlbench.widgets.builder.widget import Builder

__all__ = ["Builder"]
