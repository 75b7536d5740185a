"""What a thread does with a token of a stage in pipelined execution: take, call, send on.

A thread that has called a stage goes on with it while something waits there, and whoever
is free comes for the branch. Where nothing waits, the thread follows its branch into the
next stage: one query in flight costs what it costs in serial execution, and nobody is woken.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns as clock

from mlbench.engine.batches import Batches
from mlbench.engine.channel import Channel, Gathering
from mlbench.engine.flights import Branches
from mlbench.engine.flow import ONE, Branch, Step
from mlbench.engine.pool import Events, Run, Task, Timings
from mlbench.engine.records import NO_BATCH
from mlbench.engine.ring import Ring
from mlbench.engine.rows import code_of
from mlbench.engine.transit import Transit

__all__ = ["Send", "batched_run", "is_plain", "plain_run", "sender", "single_run"]

Send = Callable[[int, Branches, Events, Timings], "Task | None"]
"""Sends branches on from a stage, with the token that its thread has"""


def sender(index: int, channels: list[Channel], inside_cycle: frozenset[tuple[int, int]]) -> Send:
    """What sends branches from stage ``index`` to where they have come.

    The thread goes on with the first of them if nothing waits at its own stage. A queue that
    is full holds the token, unless the edge lies inside a cycle or the query is new.
    """
    mine = channels[index]

    def send(token: int, going: Branches, *_: object) -> Task | None:
        followed: Task | None = None
        if going and not mine.waiting:
            followed = channels[going[0].step.index].follow(going[0])
            going = going[1:] if followed else going
        for place, here in enumerate(going):
            at = here.step.index
            target = channels[at]
            bounded = here.source is not None and (index, at) not in inside_cycle
            if bounded and len(target.waiting) >= target.bound:
                target.hold((send, token, going[place:]))
                return followed
            target.put(here)
        if followed is None:
            return mine.run, token, None
        mine.leave(token)
        return followed

    return send


def single_run(step: Step, channel: Channel, transit: Transit, send: Send) -> Run:
    """The run of a stage that is called for each payload."""
    codes = [code_of(step.index, token) for token in sorted(channel.tokens)]

    def run(token: int, here: Branch | None, events: Events, timings: Timings) -> Task | None:
        if here is None and (here := channel.take()) is None:
            return channel.rest(token)
        going = transit.visit(here, step, codes[token], events, timings)
        return send(token, going, events, timings)

    return run


def batched_run(step: Step, channel: Gathering, batches: Batches, send: Send) -> Run:
    """The run of a stage that is called for batches."""

    def run(token: int, _: None, events: Events, timings: Timings) -> Task | None:
        items = channel.gather()
        if not items:
            return channel.rest(token)
        going = batches.visit(items, step, code_of(step.index, token), events, timings)
        return send(token, going, events, timings)

    return run


def is_plain(step: Step, target: Channel) -> bool:
    """Whether a stage hands each payload to one other, without joins, bounds or batches."""
    alone = step.kind == ONE and not step.next.special and not step.tracked
    return alone and not isinstance(target, Gathering)


def plain_run(
    step: Step, channel: Channel, target: Channel, spans: Ring, transit: Transit, send: Send
) -> Run:
    """The run of a stage that is plain: the hot path, which stays here while something waits."""
    waiting, tokens, held, low = channel.waiting, channel.tokens, channel.held, channel.low
    next_waiting, next_tokens, bound = target.waiting, target.tokens, target.bound
    codes = [code_of(step.index, token) for token in sorted(tokens)]
    call, numbers, pack, table = step.call, spans.numbers, spans.pack, spans.table
    width, mask = spans.width, spans.mask

    def run(token: int, here: Branch | None, events: Events, timings: Timings) -> Task | None:
        code = codes[token]
        while True:
            if here is None:
                try:
                    here = waiting.popleft()
                except IndexError:
                    return channel.rest(token)
                if held and len(waiting) <= low:
                    channel.let_go()
            flight, payload, parent, ready = here.flight, here.payload, here.parent, here.ready
            query, place = flight.number, here.id << 32 | 1  # outside of cycles: the first visit
            start = clock()
            if start > flight.until:
                ended = transit.stopped(here, start, step)
                if ended is not None:
                    return send(token, ended, events, timings)
                payload, parent, ready = here.payload, here.parent, here.ready
                start = clock()
            try:
                result = call(payload)
            except Exception as error:  # a stage may raise anything: it is this query's end
                row = (query, parent, place, code, ready, start, clock())
                return send(token, transit.failed(here, row, error), events, timings)
            end = clock()
            span = next(numbers)
            if end > flight.until or here.others or events or timings:
                row = (query, parent, place, code, ready, start, end)
                transit.record(here, span, row, NO_BATCH, events, timings)
                going = transit.onward(here, step, step.next, result, span, end)
                return send(token, going, events, timings)
            if span >= spans.limit:
                spans.wait(span)
            offset = (span & mask) * width
            pack(table, offset, query, parent, place, code, ready, start, end, span + 1)
            here.payload, here.parent, here.ready = result, span, end
            if not waiting and next_tokens and (followed := target.follow(here)) is not None:
                channel.leave(token)
                return followed
            if len(next_waiting) >= bound:
                here.step, here.source = step.next, step
                target.hold((send, token, (here,)))
                return None
            next_waiting.append(here)
            if next_tokens:
                target.rouse()
            here = None

    return run
