"""mlbench: what happens when these machine-learning pipelines share this machine.

Public names load what they need when they are used: ``import mlbench`` imports nothing
heavy.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, whose import takes longer than this package

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from mlbench import figures, sweep
    from mlbench.check.reading import load
    from mlbench.collocation import collocate, resume
    from mlbench.errors import MlbenchError, NotARunError, SpecError
    from mlbench.interfaces.load import ClosedLoad, OpenLoad
    from mlbench.interfaces.placement import PlacementMethod
    from mlbench.interfaces.probe import Probe
    from mlbench.interfaces.stage import Context, DataSource, Ref, Resource, Route, Stage, stage
    from mlbench.run import Run, open_run, start
    from mlbench.spec import Benchmark, Pipeline, Placement, StageSpec
    from mlbench.study.study import Study, open_study
    from mlbench.sweep.opened import Sweep, open_sweep
    from mlbench.sweep.progress import SweepProgress
    from mlbench.sweep.recording import record
    from mlbench.sweep.table import sweep_results
    from mlbench.widgets.builder import Builder
    from mlbench.widgets.dashboard import Dashboard
    from mlbench.widgets.run_browser import RunBrowser
    from mlbench.widgets.timeline import Timeline

_MODULES = frozenset({"figures", "sweep"})
"""Public names that are modules."""

_HOME = {
    "Benchmark": "spec",
    "Builder": "widgets.builder",
    "ClosedLoad": "interfaces.load",
    "Context": "interfaces.stage",
    "Dashboard": "widgets.dashboard",
    "DataSource": "interfaces.stage",
    "MlbenchError": "errors",
    "NotARunError": "errors",
    "OpenLoad": "interfaces.load",
    "Pipeline": "spec",
    "Placement": "spec",
    "PlacementMethod": "interfaces.placement",
    "Probe": "interfaces.probe",
    "Ref": "interfaces.stage",
    "Resource": "interfaces.stage",
    "Route": "interfaces.stage",
    "Run": "run",
    "RunBrowser": "widgets.run_browser",
    "SpecError": "errors",
    "Stage": "interfaces.stage",
    "StageSpec": "spec",
    "Study": "study.study",
    "Sweep": "sweep.opened",
    "SweepProgress": "sweep.progress",
    "Timeline": "widgets.timeline",
    "collocate": "collocation",
    "load": "check.reading",
    "open_run": "run",
    "open_study": "study.study",
    "open_sweep": "sweep.opened",
    "record": "sweep.recording",
    "resume": "collocation",
    "stage": "interfaces.stage",
    "start": "run",
    "sweep_results": "sweep.table",
}

__all__ = [
    "Benchmark",
    "Builder",
    "ClosedLoad",
    "Context",
    "Dashboard",
    "DataSource",
    "MlbenchError",
    "NotARunError",
    "OpenLoad",
    "Pipeline",
    "Placement",
    "PlacementMethod",
    "Probe",
    "Ref",
    "Resource",
    "Route",
    "Run",
    "RunBrowser",
    "SpecError",
    "Stage",
    "StageSpec",
    "Study",
    "Sweep",
    "SweepProgress",
    "Timeline",
    "collocate",
    "figures",
    "load",
    "open_run",
    "open_study",
    "open_sweep",
    "record",
    "resume",
    "stage",
    "start",
    "sweep",
    "sweep_results",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"mlbench.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'mlbench' has no attribute {name!r}")
    value: object = getattr(import_module(f"mlbench.{home}"), name)
    if value is not import_module(f"mlbench.{home}"):
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
