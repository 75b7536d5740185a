"""The study section of a spec: how runs of a benchmark become blocks that are compared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlbench.spec.model import Name, Positive, SpecModel

__all__ = ["Against", "Design", "Study"]

Design = Literal["group", "pairs", "against", "aa"]

Share = Annotated[float, Field(ge=0, le=1)]


class Against(SpecModel):
    """A co-tenant that is turned up step by step: how sensitive the others are to it.

    Parameters
    ----------
    pipeline
        The co-tenant.
    dial
        What of it is turned: an option that one of its stages has, or its path in the
        pipeline, such as ``stages.spin.with.seconds`` or ``load.closed.concurrency``.
    levels
        The values that it takes, each in a treatment of its own.

    Examples
    --------
    >>> Study(against="noise").against.levels
    (0.25, 0.5, 0.75, 1.0)
    """

    pipeline: Name
    dial: str = Field(default="intensity", min_length=1)
    levels: tuple[Annotated[float, Field(ge=0, le=1e9)], ...] = Field(
        default=(0.25, 0.5, 0.75, 1.0), min_length=1
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"pipeline": value} if isinstance(value, str) else value

    @field_validator("levels")
    @classmethod
    def _distinct(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(value)) != len(value):
            raise ValueError("expected levels that differ, such as [0.25, 0.5, 1]")
        return value


class Study(SpecModel):
    """How ``collocate`` turns the benchmark into blocks of runs.

    Parameters
    ----------
    repeats
        Blocks, each a fresh run of every treatment; the statistical unit.
    seconds
        Length of the window that every run measures.
    settle
        Seconds of load before the window, which no table counts.
    cooldown
        Seconds between runs.
    design
        ``group``: each pipeline alone, and all together. ``pairs``: each alone, and every
        two. ``against``: each alone, and beside one of them at several levels. ``aa``: each
        alone, twice, which shows what the machine itself adds.
    against
        The co-tenant of the design ``against``.
    placements
        Named variants, each a study of its own: what is different in the ``place`` of
        each pipeline, ``"*"`` for all of them.
    attempts
        How often a run is made, at most, where others disturbed it: they used the processors
        or the GPU, a hypervisor took time, the engine was ended from outside. A run that is
        INVALID for any other cause (late, short, too many errors, a co-tenant that was
        absent or failed) is kept and not made again: collocation makes these likelier, and
        whoever repeats them until one passes selects the runs that suffered least. Runs that
        measure a capacity are compared with nothing, and are made again in any case. What
        was interrupted is no attempt; what a resumed study made before is.
    foreign_share
        A run beside which others used more than this share of the processors' time is
        INVALID. It is looked at over all processors, and over those of the pipelines that
        run; the greater share counts.
    steal_share
        As ``foreign_share``, of the time that a hypervisor took away.
    patience
        Seconds that a run waits, before it starts, for others to use less than
        ``foreign_share``.
    min_blocks
        Fewer blocks in which both sides of a comparison are VALID make the study INVALID.
        Three, because Student's t is 12.7 standard errors wide with two and 4.3 with three.
    valid_share
        A smaller share of the planned blocks that are VALID makes the study INVALID, too: one
        block in five may be lost to an accident; where more are, those that are left were
        selected, not repeated.
    quantiles
        Latency quantiles that must have enough queries in every run, ``[p99]``. None by
        default: a quantile with too few queries is null, and many studies need no p99.
    """

    repeats: int = Field(default=5, ge=1, le=1000)
    seconds: Positive = 30
    settle: float = Field(default=3, ge=0, le=1e7)
    cooldown: float = Field(default=2, ge=0, le=1e7)
    design: Design = "group"
    against: Against | None = None
    placements: dict[Name, dict[Name, dict[str, Any]]] = {}  # Any: fields of `Placement`
    attempts: int = Field(default=3, ge=1, le=100)
    foreign_share: Share = 0.05
    steal_share: Share = 0.01
    patience: float = Field(default=30, ge=0, le=1e7)
    min_blocks: int = Field(default=3, ge=1)
    valid_share: Share = 0.8
    quantiles: tuple[Literal["p50", "p90", "p99"], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _against_is_a_design(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("against") is not None:
            return {"design": "against", **value}
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Study:
        if self.design == "against" and self.against is None:
            raise ValueError("design against needs the co-tenant: against: {pipeline: NAME}")
        if self.against is not None and self.design != "against":
            raise ValueError(f"expected design against beside 'against', not {self.design}")
        return self
