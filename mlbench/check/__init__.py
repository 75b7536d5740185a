"""A spec and the registry become a resolved graph, or every error at once."""

from mlbench.check.bench import chosen, problems, resolve, resolve_pipeline
from mlbench.check.file import check_data, check_file
from mlbench.check.graph import Edges, Graph, Node
from mlbench.check.hardware import Hardware

__all__ = [
    "Edges",
    "Graph",
    "Hardware",
    "Node",
    "check_data",
    "check_file",
    "chosen",
    "problems",
    "resolve",
    "resolve_pipeline",
]
