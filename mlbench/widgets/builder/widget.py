"""Builder: a benchmark as a graph in a notebook, edited there and in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlbench.errors import MlbenchError, Problem, SpecError
from mlbench.library import shelf
from mlbench.spec import Benchmark, expect_benchmark
from mlbench.widgets.builder.canvas import Judged, judged, local_targets
from mlbench.widgets.builder.code import to_python
from mlbench.widgets.builder.lanes import machine
from mlbench.widgets.builder.restored import restored
from mlbench.widgets.builder.sketch import sketch
from mlbench.widgets.builder.written import write_sweep
from mlbench.widgets.bundle import script, style
from mlbench.widgets.picture import plain_table

__all__ = ["Builder"]

Json = dict[str, Any]  # Any: JSON

EMPTY: Json = {"name": "untitled", "pipelines": {}}


class Builder(anywidget.AnyWidget):
    """A graph editor: pipelines of stages, their loads and options, and where they run.

    It and Python have the same spec: what is edited in the graph is `bench`, and a benchmark
    that is given to `bench` shows in the graph, as one step that can be undone there. Every
    mistake stands where it was made, in the words of ``mlbench check``.

    Parameters
    ----------
    bench
        What it begins with; default an empty canvas.
    places
        Where the stages stand, as `places` has it; default laid out by itself.
    height
        In pixels.

    Attributes
    ----------
    places
        Where the stages stand: by pipeline and stage, ``{"x": ..., "y": ...}`` in pixels. It
        is no part of the spec, so that moving a box changes no file of a benchmark.

    Examples
    --------
    ::

        builder = mb.Builder(mb.load("examples/rag_beside_training.yml"))
        builder                          # edit, then
        mb.start(builder.bench)
        builder.save("my_benchmark.yml")
    """

    _esm = script("builder")
    _css = style("builder")

    canvas = traitlets.Dict().tag(sync=True)
    places = traitlets.Dict().tag(sync=True)
    library = traitlets.List(traitlets.Dict()).tag(sync=True)
    loads = traitlets.List(traitlets.Dict()).tag(sync=True)
    sharings = traitlets.List(traitlets.Dict()).tag(sync=True)
    forms = traitlets.Dict().tag(sync=True)
    refused = traitlets.Dict().tag(sync=True)
    machine = traitlets.Dict().tag(sync=True)
    checked = traitlets.Dict().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answered = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(560).tag(sync=True)

    def __init__(
        self,
        bench: Benchmark | None = None,
        *,
        places: Mapping[str, Any] | None = None,
        height: int = 560,
    ) -> None:
        self._local: dict[str, Callable[..., object]] = {}
        self._judged = Judged(None, ())
        self._spec: Json = {}
        super().__init__(
            library=shelf.stages(),
            loads=shelf.loads(),
            sharings=shelf.sharings(),
            forms=shelf.forms(),
            refused=shelf.refused(),
            machine=machine(),
            places=dict(places or {}),
            height=height,
        )
        self.observe(self._edited, ["canvas"])
        self.observe(self._was_asked, ["asked"])
        if bench is None:
            self.canvas = {"number": 0, "by": "python", "spec": EMPTY}
        else:
            self._show(expect_benchmark(bench), 0)

    # -- the benchmark -------------------------------------------------------------------

    @property
    def bench(self) -> Benchmark | list[Problem]:
        """The benchmark on the canvas, or the list of all that keeps it from running here."""
        if self._judged.problems or self._judged.bench is None:
            return list(self._judged.problems)
        return self._judged.bench

    @bench.setter
    def bench(self, bench: object) -> None:
        self._show(expect_benchmark(bench), int(self.canvas["number"]) + 1)

    @property
    def problems(self) -> list[Problem]:
        """All that keeps the benchmark from running here; empty if it can."""
        return list(self._judged.problems)

    def to_yaml(self) -> str:
        """The spec as YAML, which ``mlbench.load`` reads back to an equal benchmark.

        Raises
        ------
        SpecError
            If what is on the canvas is no benchmark yet.
        """
        return self._readable().to_yaml()

    def to_python(self) -> str:
        """Code that makes an equal benchmark, in a variable ``bench``.

        Raises
        ------
        SpecError
            If what is on the canvas is no benchmark yet.
        """
        return to_python(self._readable())

    def save(self, file: str | PathLike[str]) -> Path:
        """Write the spec as YAML, positions left out, and return the path.

        Raises
        ------
        SpecError
            If what is on the canvas is no benchmark yet.
        OutputError
            If the file cannot be written.
        """
        from mlbench.widgets.builder.written import write_text

        return write_text(Path(file), self.to_yaml())

    def write_sweep(self, directory: str | PathLike[str]) -> Path:
        """Write what sweeps this benchmark into a directory, and return the plan's path.

        It gets ``bench.yml``, ``point.ipynb``, a notebook that runs it with parameters, and
        ``plan.yml``, which varies them: ``mlbench sweep DIRECTORY/plan.yml``.

        Raises
        ------
        SpecError
            If what is on the canvas cannot run.
        OutputError
            If a file is there already, or cannot be written.
        """
        bench = self.bench
        if not isinstance(bench, Benchmark):
            raise SpecError(bench)
        return write_sweep(bench, Path(directory))

    # -- what comes and goes -------------------------------------------------------------

    def _show(self, bench: Benchmark, number: int) -> None:
        self._local |= local_targets(bench)
        self._spec = bench.plain()
        self.canvas = {"number": number, "by": "python", "spec": self._spec}

    def _edited(self, _change: object) -> None:
        self._spec = restored(self.canvas.get("spec", {}), self._spec)
        self._judged = judged(self._spec, self._local)
        bench = self._judged.bench
        self.checked = {
            "number": self.canvas.get("number", 0),
            "problems": self._judged.to_dict(),
            "yaml": "" if bench is None else bench.to_yaml(),
            "python": "" if bench is None else to_python(bench),
        }

    def _was_asked(self, _change: object) -> None:
        if self.asked.get("what") != "sweep":
            return
        try:
            told, ok = f"written: mlbench sweep {self.write_sweep(self.asked['directory'])}", True
        except MlbenchError as error:
            told, ok = str(error), False
        self.answered = {"number": self.asked.get("number", 0), "ok": ok, "said": told}

    def _readable(self) -> Benchmark:
        if self._judged.bench is None:
            raise SpecError(self._judged.problems)
        return self._judged.bench

    # -- where no widget can be ----------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> Any:  # Any: as IPython has it
        found = super()._repr_mimebundle_(**options)
        bundle = found[0] if isinstance(found, tuple) else found
        if bundle is not None:
            bundle["text/plain"] = f"Builder({self._judged.bench or self._judged.problems!r})"
            bundle["text/html"] = self._still()
        return found

    def _still(self) -> str:
        bench = self._judged.bench
        if bench is None:
            wrong = [(each.key, each.message) for each in self._judged.problems]
            return plain_table(["key", "problem"], wrong)
        rows = [
            (name, stage, str(spec.uses), ", ".join(spec.successors))
            for name, pipeline in bench.pipelines.items()
            for stage, spec in pipeline.stages.items()
        ]
        head = plain_table(["benchmark"], [[bench.name]])
        return head + sketch(bench) + plain_table(["pipeline", "stage", "uses", "to"], rows)
