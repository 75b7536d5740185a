"""A plan: what a sweep executes, with which parameters, how often, and under which rules.

.. code-block:: yaml

    name: batch-and-model          # default: the name of the notebook's or the spec's file
    notebook: train.ipynb          # or  spec: rag.yml  (beside the plan's own file)
    # make: study                  # of a spec: `study` (default: each pipeline alone and all
    #                              # together, in one block) or `run` (once, all together)

    parameters:                    # points: each of `grid` x each of `zip` x each draw x each of
      fixed: {quick: true}         # `points`; a name stands in one of them. In all of them.
      grid: {cpus: [1, 2], model: [small, big]}    # cpus: `parameter_cpus` in the table
      zip: {rate: [10, 100], queue: [8, 64]}       # first with first, second with second
      random:
        draws: 4
        of:
          dropout: {uniform: [0, 0.5]}
          lr: {log_uniform: [1.0e-4, 1.0e-1]}
          depth: {integers: [1, 8]}                # both ends are drawn, too
          optimiser: {choice: [adam, sgd]}
      points: [{fold: 0}, {fold: 1}]
    skip: "cpus == 1 and model == 'big'"           # one or a list; these points are left out
    model: my_module:Parameters    # a pydantic model that checks the parameters of each point

    repeats: 3
    seed: 7                        # of the draws and of the order
    # seed_as: seed                # the notebook's parameter that gets a seed for each repeat
    # runs_as: out                 # and the one that gets the folder for its runs (if it has it)

    timeouts: {start: 60, cell: 600, whole: 3600}  # seconds: the kernel, a cell, the point
    point_seconds: 90              # about what a point takes, for the estimate of --dry-run
    environment: {OMP_NUM_THREADS: "1"}
    kernel: python3                # default: what the notebook says
    cpus: [0, 1]                   # what the points have for themselves. Default: of a notebook
    devices: [cuda:0]              # all that this process may use; of a spec its placements
    contamination: {attempts: 3, foreign_share: 0.05, steal_share: 0.01, contexts: true}

Of a **notebook**, parameters are the names in the cell that is tagged ``parameters``, typed by
their annotation or their value there; ``mb.record(name, value)`` in the notebook makes a column
of the results. Of a **spec** they are paths as ``--set`` takes them:
``pipelines.rag.load.poisson.rate: [0.1, 0.3]``.

A **block** holds what is compared, and is executed on one machine: of a notebook, or of plain
runs, every point once, in random order, for each repeat; of studies one study of one block.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from mlbench.errors import Problem, SpecError
from mlbench.spec import Document
from mlbench.spec.model import Name, Positive, SpecModel
from mlbench.spec.problems import problems_of
from mlbench.store.kind import is_sweep
from mlbench.sweep.draws import Random

__all__ = ["Contamination", "Kind", "Parameters", "Plan", "Timeouts", "load_plan"]

Key = Annotated[str, Field(min_length=1, max_length=500)]
Value = Any  # plain data; what it may be, says the notebook or the spec
Kind = Literal["notebook", "study", "run"]
"""What a point is."""


class Parameters(SpecModel):
    """Which values the parameters take: the product of the sections, with ``fixed`` in each.

    Parameters
    ----------
    fixed
        The same in every point.
    grid
        Every value of one with every value of the others.
    zip
        The first of each, then the second of each, ...
    random
        Drawn values; the i-th draw depends on the plan's seed, the name and i alone.
    points
        Sets of values, as they stand.
    """

    fixed: dict[Key, Value] = {}
    grid: dict[Key, Annotated[tuple[Value, ...], Field(min_length=1)]] = {}
    zip: dict[Key, Annotated[tuple[Value, ...], Field(min_length=1)]] = {}
    random: Random | None = None
    points: tuple[dict[Key, Value], ...] = ()

    @field_validator("zip")
    @classmethod
    def _as_long(cls, value: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        lengths = {name: len(each) for name, each in value.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {count}" for name, count in lengths.items())
            raise ValueError(f"expected lists of one length: {told}")
        return value

    @field_validator("points")
    @classmethod
    def _alike(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for index, each in enumerate(value):
            if each.keys() != value[0].keys():
                names = ", ".join(sorted(each.keys() ^ value[0].keys()))
                raise ValueError(f"point {index} and the first one differ in their names: {names}")
        return value

    @model_validator(mode="after")
    def _once(self) -> Parameters:
        seen: dict[str, str] = {}
        for section, names in self.sections().items():
            for name in names:
                if name in seen:
                    raise ValueError(f"{name} stands in both {seen[name]} and {section}")
                seen[name] = section
        return self

    def sections(self) -> dict[str, tuple[str, ...]]:
        """The names in each section."""
        return {
            "fixed": tuple(self.fixed),
            "grid": tuple(self.grid),
            "zip": tuple(self.zip),
            "random": tuple(self.random.of) if self.random else (),
            "points": tuple(self.points[0]) if self.points else (),
        }


class Timeouts(SpecModel):
    """The end of every wait, in seconds.

    Parameters
    ----------
    start
        Until the kernel answers.
    cell
        Of one cell; null for none of its own.
    whole
        Of a point from its start to its end.
    """

    start: Positive = 60
    cell: Positive | None = None
    whole: Positive = 3600


class Contamination(SpecModel):
    """When others have spoilt a point, and how often it is made in the end.

    Parameters
    ----------
    attempts
        How often a point is made, at most, where others disturbed it. A point that fails by
        itself is not made again.
    foreign_share
        A point is contaminated where others used more than this share of the time of its
        processors.
    steal_share
        The same of the time that a hypervisor took from them.
    contexts
        Whether a process of somebody else on the point's GPUs, before or after, is, too.
    """

    attempts: int = Field(default=3, ge=1, le=100)
    foreign_share: float = Field(default=0.05, ge=0, le=1)
    steal_share: float = Field(default=0.01, ge=0, le=1)
    contexts: bool = True


class Plan(SpecModel):
    """What a sweep executes, with which parameters, how often, and under which rules.

    Of a notebook, parameters are the names in the cell that is tagged `parameters`; of a spec
    they are paths as `--set` takes them, such as `pipelines.rag.load.poisson.rate`.

    Parameters
    ----------
    name
        Of the sweep; by default that of the file of the notebook or spec.
    notebook
        The file of the notebook that is executed, beside the plan's own.
    spec
        The file of the spec that is executed, in place of a notebook.
    make
        Of a spec: a study of one block in each repeat, or a run of all pipelines together.
    parameters
        The values that they take.
    skip
        Conditions such as `cpus == 1 and model == 'big'`; sets of parameters that meet one
        are left out.
    model
        A pydantic model that checks the parameters of each point of a notebook.
    repeats
        How often each set of parameters is executed. Of studies each repeat is a block: fewer
        than the spec's `study.min_blocks` are INVALID.
    seed
        Of the draws, and of the order of the points.
    seed_as
        The notebook's parameter that gets a seed for each repeat.
    runs_as
        The notebook's parameter that gets the folder for its runs, if it has it.
    timeouts
        The end of every wait.
    point_seconds
        About what a point takes, for the estimate of `--dry-run`.
    environment
        Variables of the environment of each point.
    kernel
        Of a notebook; by default the one that it names.
    cpus
        The processors that the points have for themselves; by default all that this process
        may use, and of a spec its placements.
    devices
        The same of devices, such as `cuda:0`.
    contamination
        When others have spoilt a point.

    Examples
    --------
    >>> plan = Plan(notebook="train.ipynb", parameters={"grid": {"lr": [0.1, 0.01]}}, repeats=2)
    >>> plan.title, plan.kind
    ('train', 'notebook')
    """

    name: Name | None = None
    notebook: str | None = None
    spec: str | None = None
    make: Literal["study", "run"] = "study"
    parameters: Parameters = Parameters()
    skip: tuple[str, ...] = ()
    model: str | None = Field(default=None, pattern=r"^[\w.]+:[\w.]+$")
    repeats: int = Field(default=1, ge=1, le=10_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    seed_as: str | None = None
    runs_as: str = "out"
    timeouts: Timeouts = Timeouts()
    point_seconds: Positive | None = None
    environment: dict[str, str] = {}
    kernel: str | None = None
    cpus: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    devices: tuple[Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")], ...] | None = None
    contamination: Contamination = Contamination()

    @field_validator("skip", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_target(self) -> Plan:
        if (self.notebook is None) == (self.spec is None):
            raise ValueError("expected one of notebook: FILE.ipynb and spec: FILE.yml")
        if self.spec is not None and (self.kernel or self.seed_as or self.model):
            raise ValueError("kernel, model and seed_as are of notebooks")
        return self

    @property
    def target(self) -> str:
        """The file of the notebook or the spec."""
        return str(self.notebook or self.spec)

    @property
    def title(self) -> str:
        """Its name; without one that of the file."""
        return self.name or Path(self.target).stem

    @property
    def kind(self) -> Kind:
        """What each of its points is."""
        return "notebook" if self.notebook is not None else self.make


def load_plan(file: str | PathLike[str]) -> Plan:
    """The plan of a YAML file; its notebook or spec is looked for beside the file.

    Raises
    ------
    SpecError
        With every mistake in the file, its line and the nearest valid name; of a notebook, a
        spec or a sweep's directory with what to type.
    """
    document = _document(Path(file))
    try:
        plan = Plan.model_validate(document.data)
    except ValidationError as error:
        raise SpecError(document.located(problems_of(error, Plan))) from None
    path = Path(file).parent / plan.target
    return plan.model_copy(update={"spec" if plan.spec else "notebook": str(path)})


def _document(file: Path) -> Document:
    """What a file says, unless it is something that a plan names, or another command takes."""
    if is_sweep(file):
        raise _no_plan(file, "is a sweep's directory", f"mlbench sweep --resume {file}")
    if file.suffix == ".ipynb" and file.is_file():
        raise _no_plan(file, "is a notebook", f"write a file with 'notebook: {file.name}'")
    document = Document.read(file)
    if "pipelines" in document.data and document.data.keys().isdisjoint(("notebook", "spec")):
        hint = (
            f"mlbench run {file} or mlbench collocate {file} executes it; a plan has "
            f"'spec: {file.name}' and parameters"
        )
        raise _no_plan(file, "is a spec", hint)
    return document


def _no_plan(file: Path, what: str, hint: str) -> SpecError:
    return SpecError([Problem((), f"{what}, not the plan of a sweep", hint, str(file))])
