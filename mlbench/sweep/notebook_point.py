"""One point that is a notebook: papermill executes it, in the process of the point."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from pathlib import Path
from typing import Any

from mlbench.sweep.layout import NOTEBOOK, RUNS, Point, SweepManifest, point_directory, source_of
from mlbench.sweep.notebook import Notebook
from mlbench.sweep.outcome import Outcome
from mlbench.sweep.state import TIMED_OUT

__all__ = ["execute", "prepare"]


def prepare() -> None:
    """Load once what papermill and its libraries load when a notebook is first executed.

    The processes of the points are forked, and have it then: the schema of notebooks, the
    kernels that there are, and who starts them. No socket and no thread is made.
    """
    import nbformat.v4
    import papermill  # noqa: F401
    import psutil  # noqa: F401
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    nbformat.validate(nbformat.v4.new_notebook())  # type: ignore[no-untyped-call]  # nbformat
    KernelSpecManager().get_all_specs()
    KernelProvisionerFactory.instance()
    gc.freeze()  # a collection in a child would copy every page of this


def execute(directory: Path, manifest: SweepManifest, point: Point) -> Outcome:
    """Execute it, and return how that came out; what it printed stays in its notebook."""
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    notebook = Notebook.read(source_of(directory, manifest.kind))
    document = notebook.with_parameters(_parameters(directory, manifest, point, notebook))
    node = nbformat.reads(json.dumps(document), as_version=4)  # type: ignore[no-untyped-call]  # nbformat
    timeouts, output = manifest.plan.timeouts, point_directory(directory, point.id) / NOTEBOOK
    warnings.simplefilter("ignore")  # of the kernel's own libraries: they are nobody's news here
    try:
        papermill.execute_notebook(
            node,
            str(output),
            kernel_name=manifest.plan.kernel,
            progress_bar=False,
            start_timeout=timeouts.start,
            execution_timeout=timeouts.cell,
            cwd=manifest.folder,
        )
    except papermill.PapermillExecutionError as error:
        return Outcome.failed(error.ename, error.evalue, _cell_of(output))
    except CellTimeoutError as error:
        text = f"a cell took longer than {timeouts.cell:g} s"
        return Outcome.failed(type(error).__name__, text, _cell_of(output), TIMED_OUT)
    except DeadKernelError:
        return Outcome.failed("KernelDied", "the kernel died", _cell_of(output))
    except (RuntimeError, TimeoutError, asyncio.TimeoutError) as error:
        if "respond" in str(error) or isinstance(error, TimeoutError | asyncio.TimeoutError):
            text = f"the kernel did not answer within {timeouts.start:g} s"
            return Outcome.failed("KernelTimeout", text, None, TIMED_OUT)
        return Outcome.failed("KernelDied", str(error))
    return Outcome()


def _parameters(
    directory: Path, manifest: SweepManifest, point: Point, notebook: Notebook
) -> dict[str, Any]:  # Any: plain data
    """Those of the point, with what the sweep itself fills in."""
    plan, values = manifest.plan, dict(point.parameters)
    if plan.seed_as is not None:
        values.setdefault(plan.seed_as, point.seed)
    runs = notebook.declared.get(plan.runs_as)
    if runs is not None and runs.type in (str, Any):
        values.setdefault(plan.runs_as, str(point_directory(directory, point.id) / RUNS))
    return values


def _cell_of(output: Path) -> int | None:
    """The cell that did not get through, by its number among all; null if nobody knows.

    papermill puts a cell with a link in front of the one that failed, and one at the top.
    """
    try:
        cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return None
    own = [c for c in cells if not _is_notice(c)]
    for index, cell in enumerate(own):
        papermill = cell.get("metadata", {}).get("papermill", {})
        if papermill.get("exception") or papermill.get("status") == "failed":
            return index
    begun = [
        index
        for index, cell in enumerate(own)
        if cell.get("metadata", {}).get("papermill", {}).get("start_time")
    ]
    return begun[-1] if begun else None


def _is_notice(cell: dict[str, Any]) -> bool:  # Any: JSON
    return "papermill-error-cell-tag" in (cell.get("metadata", {}).get("tags") or ())
