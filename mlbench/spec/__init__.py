"""Specs: what to run, as frozen data. Reading one imports nothing that it names.

`Document` and `load` come when they are used: an engine reads no YAML.
"""

from typing import TYPE_CHECKING

from mlbench.lazy import lazily
from mlbench.spec.benchmark import DEFAULT_STOP, Benchmark, Limits, Timeouts, expect_benchmark
from mlbench.spec.choice import Load, Sharing
from mlbench.spec.pipeline import SLO, Data, Pipeline, Placement, Stop, Warmup
from mlbench.spec.request import Request, Window
from mlbench.spec.stages import Batch, LocalName, StageSpec, Use
from mlbench.spec.study import Against, Study
from mlbench.spec.telemetry import Rates, Telemetry

if TYPE_CHECKING:
    from mlbench.spec.document import Document, load

__all__ = [
    "DEFAULT_STOP",
    "SLO",
    "Against",
    "Batch",
    "Benchmark",
    "Data",
    "Document",
    "Limits",
    "Load",
    "LocalName",
    "Pipeline",
    "Placement",
    "Rates",
    "Request",
    "Sharing",
    "StageSpec",
    "Stop",
    "Study",
    "Telemetry",
    "Timeouts",
    "Use",
    "Warmup",
    "Window",
    "expect_benchmark",
    "load",
]

__getattr__, __dir__ = lazily(__name__, {"Document": "document", "load": "document"})
