"""How the latency that collocation adds divides over the stages, over all blocks of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlbench.analysis.added import Added
from mlbench.study.estimate import Estimate, Method, level_over

__all__ = ["MAX_LEFT_OUT", "AddedLatency", "added_over"]

MAX_LEFT_OUT = 0.05
"""Above this share of pairs of which one query did not get through, there is no mean: those
that failed or were cut off are rarely the fast ones."""


@dataclass(frozen=True)
class AddedLatency:
    """What collocation adds to a query on average, in ms; the parts sum to ``latency_ms``.

    Parameters
    ----------
    queries
        Pairs of queries, of all blocks.
    service_ms, queueing_ms
        By stage.
    left_out
        Pairs without numbers, of all blocks: one query failed, timed out or was cut off.
    unmatched_ms, unmatched_share
        Time on spans without a partner in the other run, and its share of all time on the
        critical paths.
    """

    queries: int
    left_out: int
    latency_ms: Estimate
    lateness_ms: Estimate
    service_ms: Mapping[str, Estimate]
    queueing_ms: Mapping[str, Estimate]
    unmatched_ms: Estimate
    unmatched_share: float

    def parts(self) -> Iterator[tuple[str, str | None, Estimate]]:
        """Each part with its name and its stage; one without a stage is of the whole query."""
        yield "lateness", None, self.lateness_ms
        for stage, estimate in self.service_ms.items():
            yield "service", stage, estimate
        for stage, estimate in self.queueing_ms.items():
            yield "queueing", stage, estimate
        yield "unmatched", None, self.unmatched_ms


def added_over(blocks: Mapping[int, Added | None], method: Method) -> AddedLatency | str:
    """Means over the queries of each block, then over blocks; or why there are none."""
    known = {number: added for number, added in blocks.items() if added is not None}
    if why := _missing(blocks):
        return why
    queries = sum(each.queries for each in known.values())
    stages = dict.fromkeys(stage for each in known.values() for stage in each.service_ns)
    shares = [each.unmatched_share * each.queries for each in known.values()]
    return AddedLatency(
        queries=queries,
        left_out=sum(each.left_out for each in known.values()),
        latency_ms=_mean(known, {n: each.latency_ns for n, each in known.items()}, method),
        lateness_ms=_mean(known, {n: each.lateness_ns for n, each in known.items()}, method),
        service_ms={
            stage: _mean(known, {n: e.service_ns.get(stage, 0) for n, e in known.items()}, method)
            for stage in stages
        },
        queueing_ms={
            stage: _mean(known, {n: e.queueing_ns.get(stage, 0) for n, e in known.items()}, method)
            for stage in stages
        },
        unmatched_ms=_mean(known, {n: each.unmatched_ns for n, each in known.items()}, method),
        unmatched_share=sum(shares) / queries,
    )


def _missing(blocks: Mapping[int, Added | None]) -> str | None:
    if not blocks:
        return "there is no block in which both runs have ended"
    for block, added in sorted(blocks.items()):
        if added is None:
            return f"block {block}: no query was done in both runs, with all of its spans"
        if added.left_out_share > MAX_LEFT_OUT:
            pairs = added.queries + added.left_out
            return (
                f"block {block}: of {pairs} pairs of queries {added.left_out} failed or were cut "
                f"off in one of the runs, over {MAX_LEFT_OUT:.0%}: the mean of the others would "
                "be of survivors"
            )
    return None


def _mean(blocks: Mapping[int, Added], sums_ns: Mapping[int, int], method: Method) -> Estimate:
    """The sums of the blocks in ms a query, over blocks."""
    means = {number: sums_ns[number] / added.queries / 1e6 for number, added in blocks.items()}
    return level_over(means, method)
