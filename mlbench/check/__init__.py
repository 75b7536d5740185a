"""A spec and the registry become a resolved graph, or every error at once.

What reads files comes when it is used: an engine has its spec already.
"""

from typing import TYPE_CHECKING

from mlbench.check.bench import chosen, problems, resolve, resolve_pipeline
from mlbench.check.graph import Edges, Graph, Node
from mlbench.check.hardware import Hardware
from mlbench.lazy import lazily

if TYPE_CHECKING:
    from mlbench.check.file import check_data, check_file

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

__getattr__, __dir__ = lazily(__name__, {"check_data": "file", "check_file": "file"})
