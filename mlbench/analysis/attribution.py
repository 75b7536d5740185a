"""Attribution: what each pipeline and stage used of what was measured, by several models.

How two pipelines on one device divide its energy cannot be measured: any split is a model.
So each is named, and all are shown, each of which adds up to what was measured.

Of a GPU's energy and SM time:

``equal``
    every pipeline that was on the device used the same;
``sm``
    in proportion to the SM time that the driver accounts to its processes;
``sm_and_memory``
    half of it so, half in proportion to their time of memory access;
``calibrated``
    in proportion to what a query took in a run of the pipeline alone, idle energy left out,
    times the queries that were done.

Of memory, ``held`` is what the processes held; of a package's energy, ``cpu_time`` is
in proportion to processor time. Processor time itself is measured by pipeline; its models
``service_time`` and ``overlap`` say which stage it was, as `attribution_stages` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlbench.analysis.attribution_accounts import accounts
from mlbench.analysis.attribution_seen import Seen
from mlbench.analysis.attribution_split import Account, shares_of
from mlbench.analysis.attribution_stages import (
    StageTime,
    by_overlap,
    by_service,
    stage_times_of,
)
from mlbench.analysis.attribution_usage import OTHERS
from mlbench.analysis.periods import Period

__all__ = ["Attributed", "attribution"]

Part = Literal["idle", "pipeline", "stage", "rest", "others", "total"]

IDLE, REST, ELSE = "idle", "(rest)", "(others)"


@dataclass(frozen=True)
class Attributed:
    """One row: what one part used of one resource, by one model.

    Parameters
    ----------
    resource
        ``cpu_s``, ``sm_s``, ``memory_byte_s`` or ``energy_j``; the unit is in the name.
    device
        Null for what is of the machine.
    part
        ``pipeline``, and of it ``stage`` and ``rest``: what is no one stage's, because it
        was used between stages or in stages too short to tell; ``idle``; ``others``: what
        belongs to no pipeline; ``total`` where there is nothing to split.
    pipeline, stage
        Their names; null where the part is of none.
    model
        Its name; null for a ``total``. Idle energy is measured, and the same in all.
    value
        Null with ``reason``.
    share
        Part of what was measured; idle, pipelines and others of a model add up to 1.
    spread
        The largest value of the models less the smallest; null with fewer than two.
    per_query, per_query_with_idle
        Value over the queries that were done; and with the idle energy, divided as the rest.
    """

    resource: str
    device: str | None
    part: Part
    pipeline: str | None
    stage: str | None
    model: str | None
    value: float | None
    share: float | None = None
    spread: float | None = None
    per_query: float | None = None
    per_query_with_idle: float | None = None
    reason: str | None = None


def attribution(seen: Seen, isolated: Mapping[str, Seen]) -> list[Attributed]:
    """What each pipeline and stage of a run used, over its window or load.

    Parameters
    ----------
    isolated
        By pipeline, a run of it alone, for the model ``calibrated``.
    """
    period = seen.period
    if period is None:
        return []
    stages = {name: stage_times_of(seen.record, name, period) for name in seen.record.names}
    rows: list[Attributed] = []
    for account in accounts(seen, period, isolated):
        rows += _with_spread(_rows(account, _Context(seen, period, stages)))
    return rows


@dataclass(frozen=True)
class _Context:
    seen: Seen
    period: Period
    stages: Mapping[str, list[StageTime]]


def _rows(account: Account, context: _Context) -> Iterator[Attributed]:
    plain = Attributed(account.resource, account.device, "total", None, None, None, None)
    if account.total is None:
        yield replace(plain, reason=account.reason)
        return
    for model, weights in account.models.items():
        shares = weights if isinstance(weights, str) else shares_of(weights)
        row = replace(plain, model=model)
        if account.has_idle and not isinstance(shares, str):
            reason = account.idle_reason if account.idle is None else None
            idle = replace(row, part="idle", pipeline=IDLE, reason=reason)
            yield _valued(account, idle, account.idle)
        yield from _by_model(account, row, shares, context)


def _by_model(
    account: Account, plain: Attributed, shares: Mapping[int, float] | str, context: _Context
) -> Iterator[Attributed]:
    """The pipelines with their stages, and the others."""
    for code, name in enumerate(context.seen.record.names):
        row = replace(plain, part="pipeline", pipeline=name)
        if isinstance(shares, str):
            yield replace(row, reason=shares)
            continue
        value = account.caused * shares.get(code, 0.0)
        row = _per_query(account, _valued(account, row, value), context)
        if account.resource == "cpu_s" and code not in shares:
            row = replace(row, value=None, share=None, reason="its samples do not cover the period")
        yield row
        yield from _by_stage(account, row, context, code)
    if not isinstance(shares, str) and shares.get(OTHERS, 0.0) > 0:
        row = replace(plain, part="others", pipeline=ELSE)
        yield _valued(account, row, account.caused * shares[OTHERS])


def _by_stage(
    account: Account, whole: Attributed, context: _Context, code: int
) -> Iterator[Attributed]:
    """The stages of a pipeline, and what is no one stage's."""
    times = context.stages[str(whole.pipeline)]
    if whole.value is None or not times:
        return
    parts = _parts(account, str(whole.model), times, context, code)
    known = 0.0
    for each in times:
        row = replace(whole, part="stage", stage=each.stage, per_query=None,
                      per_query_with_idle=None)  # fmt: skip
        if reason := _too_short(account, each):
            yield replace(row, value=None, share=None, reason=reason)
            continue
        value = whole.value * parts.get(each.stage, 0.0)
        known += value
        yield _per_query(account, _valued(account, row, value), context)
    if known > 0:
        row = replace(whole, part="rest", stage=REST, per_query=None, per_query_with_idle=None)
        yield _valued(account, row, max(0.0, whole.value - known))


def _parts(
    account: Account, model: str, times: list[StageTime], context: _Context, code: int
) -> Mapping[str, float]:
    if model == "overlap":
        rows = context.seen.rows("cpu_time").of_party(code)
        return by_overlap(times, rows, context.period)
    return by_service(times, context.period, device=account.device is not None)


def _too_short(account: Account, stage: StageTime) -> str | None:
    """Why nothing can be said of a stage; null where something can."""
    if account.stage_ms is None:
        return account.stage_reason
    if stage.median_ms >= account.stage_ms:
        return None
    return f"its median span of {stage.median_ms:.3g} ms is shorter than {account.stage_reason}"


def _valued(account: Account, row: Attributed, value: float | None) -> Attributed:
    share = value / account.total if value is not None and account.total else None
    return replace(row, value=value, share=share)


def _per_query(account: Account, row: Attributed, context: _Context) -> Attributed:
    count = context.seen.done(str(row.pipeline), context.period)
    if row.value is None or not count:
        return row
    each, idle = row.value / count, None
    if account.idle is not None and account.caused > 0:
        idle = each * (account.total or 0.0) / account.caused
    return replace(row, per_query=each, per_query_with_idle=idle)


def _with_spread(rows: Iterable[Attributed]) -> Iterator[Attributed]:
    """The rows with the disagreement of the models on each."""
    kept = list(rows)
    found: dict[tuple[object, ...], list[float]] = {}
    for row in kept:
        if row.value is not None:
            found.setdefault((row.part, row.pipeline, row.stage), []).append(row.value)
    for row in kept:
        values = found.get((row.part, row.pipeline, row.stage), [])
        several = row.value is not None and len(values) > 1
        yield replace(row, spread=max(values) - min(values) if several else None)
