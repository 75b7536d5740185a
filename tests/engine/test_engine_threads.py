"""Threads of pipelined execution: who follows a branch, who is woken, and who is held."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import NOOP, Rig, Told, again_until, items_of, query, rig, run, wait_for

from mlbench.engine.channel import Channel, Gathering
from mlbench.engine.pool import Pool, Task
from mlbench.interfaces.stage import Visit, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DONE = Outcome.DONE


@stage
def whose(seen: list[int]) -> list[int]:
    """The payload, with the thread that is here."""
    return [*seen, threading.get_ident()]


def threads_of(stages: dict[str, Any]) -> list[int]:
    """The threads that a lone query meets on its way."""
    ran = run(stages, 1, "pipelined", data=items_of([]))
    return next(iter(ran.said().values()))


class TestALoneQuery:
    """Nobody waits anywhere: its thread follows it, and no other one is woken."""

    def test_has_one_thread_all_along_a_chain(self):
        stages = {"a": {"uses": whose, "to": "b"}, "b": {"uses": whose, "to": "c"}, "c": whose}
        assert len(set(threads_of(stages))) == 1

    def test_has_one_thread_through_a_router_and_a_batch(self):
        @stage(outputs=["on"])
        def routes(seen: list[int]) -> Any:
            from mlbench.interfaces.stage import Route

            return Route("on", whose(seen))

        @stage
        def batch(payloads: list[list[int]]) -> list[list[int]]:
            return [whose(payload) for payload in payloads]

        stages = {
            "a": {"uses": whose, "to": "r"},
            "r": {"uses": routes, "to": {"on": "b"}},
            "b": {"uses": batch, "to": "c", "batch": {"size": 4, "max_wait_ms": 0}},
            "c": whose,
        }
        seen = threads_of(stages)
        assert (len(seen), len(set(seen))) == (4, 1)

    def test_is_always_with_the_first_worker(self):
        stages = {"a": {"workers": 3, "to": "b"}, "b": {"workers": 2}}
        with rig(stages, "pipelined") as made, made.started() as (admit, wait):
            for number in range(20):
                admit(query(number))
                wait(1)
            assert {span.worker for span in made.read().spans} == {0}


class TestQueriesThatMeet:
    def test_overlap_in_stages_that_sleep(self):
        """Each waits in its stage until the other one is in the other stage."""
        meetings = [threading.Barrier(2, timeout=20) for _ in range(9)]

        @stage
        def first(number: int) -> int:
            if number > 0:
                meetings[number - 1].wait()
            return number

        @stage
        def second(number: int) -> int:
            if number < 9:
                meetings[number].wait()
            return number

        stages = {"a": {"uses": first, "to": "b"}, "b": second}
        assert run(stages, 10, "pipelined").outcomes == [DONE] * 10

    def test_are_never_more_at_a_stage_than_it_has_workers(self):
        lock, present, most = threading.Lock(), Counter(), Counter()

        def counting(name: str) -> Any:
            @stage
            def counts(number: int) -> int:
                with lock:
                    present[name] += 1
                    most[name] = max(most[name], present[name])
                time.sleep(0.0005)
                with lock:
                    present[name] -= 1
                return number

            return counts

        stages = {
            name: {"uses": counting(name), "workers": workers, "to": to}
            for name, workers, to in (("a", 2, "b"), ("b", 3, "c"), ("c", 1, "d"))
        }
        ran = run({**stages, "d": NOOP}, 60, "pipelined")
        assert ran.outcomes == [DONE] * 60
        assert all(most[name] <= limit for name, limit in (("a", 2), ("b", 3), ("c", 1)))
        for span in ran.spans:
            assert span.worker < {"a": 2, "b": 3}.get(span.stage, 1)

    def test_have_a_worker_each(self):
        """No two calls of one worker go on at the same time."""

        @stage
        def sleeps(number: int) -> int:
            time.sleep(0.0002)
            return number

        ran = run({"a": {"uses": sleeps, "workers": 3}}, 60, "pipelined")
        for worker in range(3):
            calls = sorted(
                (s.start, s.end) for s in ran.spans if (s.stage, s.worker) == ("a", worker)
            )
            assert all(end <= start for (_, end), (start, _) in itertools.pairwise(calls))

    def test_go_on_while_a_branch_of_one_is_held(self):
        """``b`` is full; the thread that came from ``a`` is free for ``c``."""
        inside, go, through = threading.Event(), threading.Event(), threading.Semaphore(0)

        @stage
        def gate(number: int) -> int:
            inside.set()
            wait_for(go)
            return number

        @stage
        def passes(number: int) -> int:
            through.release()
            return number

        stages = {
            "fork": {"to": ["c", "a"]},
            "a": {"to": "b"},
            "b": {"uses": gate, "queue": 1},
            "c": passes,
        }
        with rig(stages, "pipelined") as made, made.started() as (admit, wait):
            for number in range(20):
                admit(query(number))
            for _ in range(20):
                assert through.acquire(timeout=20)
            wait_for(inside)
            go.set()
            wait(20)
            assert made.read().outcomes == [DONE] * 20


class TestAFullQueue:
    @pytest.mark.parametrize("bound", [1, 2, 5])
    @pytest.mark.parametrize("workers", [1, 3])
    def test_in_front_of_a_slow_stage_lets_every_query_through(self, bound, workers):
        @stage
        def slow(number: int) -> int:
            time.sleep(0.0003)
            return number

        stages = {
            "a": {"to": "b", "workers": workers},
            "b": {"to": "c", "queue": bound},
            "c": {"uses": slow, "queue": bound, "to": "d"},
            "d": {"queue": bound},
        }
        assert run(stages, 150, "pipelined").outcomes == [DONE] * 150

    def test_keeps_the_order_of_one_producer(self):
        ran = run(
            {"a": {"to": "b"}, "b": {"to": "c", "queue": 1}, "c": {"queue": 2}}, 80, "pipelined"
        )
        spans = sorted((span for span in ran.spans if span.stage == "c"), key=lambda s: s.start)
        assert [span.query for span in spans] == list(range(80))

    def test_may_be_smaller_than_a_batch_that_is_gathered(self):
        @stage
        def keeps(numbers: list[int]) -> list[int]:
            return numbers

        batch = {"size": 4, "max_wait_ms": 3_600_000}
        ran = run(
            {"a": {"to": "b"}, "b": {"uses": keeps, "queue": 1, "batch": batch}}, 8, "pipelined"
        )
        assert {span.batch_size for span in ran.spans if span.stage == "b"} == {4}


# -- channels and the pool, one operation after the other ----------------------------------


class Tasks(Pool):
    """A pool without threads, which keeps its tasks."""

    def __init__(self) -> None:
        super().__init__(Visit(), lambda error: None)
        self.tasks: list[Task] = []

    def do(self, task: Task) -> None:
        self.tasks.append(task)


def runs(*_: object) -> None:
    """Stands for what a thread does with a token."""


def channel_of(workers: int = 1, bound: int = 4, size: int = 0) -> tuple[Any, list[Task]]:
    pool = Tasks()
    made = Gathering(workers, bound, pool, size, 0) if size else Channel(workers, bound, pool)
    made.run = runs
    return made, pool.tasks


class TestAChannel:
    def test_has_a_thread_come_for_each_branch_while_a_token_is_free(self):
        channel, tasks = channel_of(workers=2)
        for here in "xyz":
            channel.put(here)
        assert tasks == [(runs, 0, None), (runs, 1, None)]
        assert [channel.take() for _ in range(4)] == ["x", "y", "z", None]

    def test_lets_a_branch_be_followed_if_none_waits_and_a_token_is_free(self):
        channel, tasks = channel_of()
        assert channel.follow("x") == (runs, 0, "x")
        assert channel.follow("y") is None
        channel.put("y")
        channel.tokens.append(0)
        assert channel.follow("z") is None
        assert tasks == []

    @pytest.mark.parametrize("give_back", ["rest", "leave"])
    def test_sees_what_came_before_a_token_was_given_back(self, give_back):
        channel, tasks = channel_of()
        channel.tokens.clear()
        channel.put("x")
        assert tasks == []
        task = getattr(channel, give_back)(0)
        assert [*tasks, *([task] if task else [])] == [(runs, 0, None)]

    def test_keeps_a_token_that_nothing_waits_for(self):
        channel, _ = channel_of(workers=2)
        token = channel.tokens.pop()
        assert channel.rest(token) is None
        assert channel.tokens == [1, 0]

    @pytest.mark.parametrize(("bound", "taken"), [(1, 1), (2, 1), (3, 2), (64, 32)])
    def test_lets_go_of_what_it_holds_when_half_of_it_is_taken(self, bound, taken):
        channel, tasks = channel_of(bound=bound)
        for number in range(bound):
            channel.put(number)
        tasks.clear()
        channel.hold("held")
        for _ in range(taken):
            assert tasks == []
            channel.take()
        assert tasks == ["held"]

    def test_lets_go_of_no_more_than_there_is_room_for(self):
        channel, tasks = channel_of(bound=2)
        for here in "xy":
            channel.put(here)
        tasks.clear()
        for here in "abc":
            channel.hold(here)
        channel.take()
        assert tasks == ["a"]

    def test_holds_nothing_that_comes_when_all_has_been_taken(self):
        channel, tasks = channel_of(bound=1)
        channel.hold("late")
        assert tasks == ["late"]

    @pytest.mark.parametrize("give_back", ["rest", "leave"])
    def test_lets_go_when_what_was_let_go_never_came_into_the_queue(self, give_back):
        channel, tasks = channel_of(bound=1)
        channel.put("x")
        tasks.clear()
        channel.hold("first")
        channel.hold("second")
        channel.take()
        getattr(channel, give_back)(0)
        assert tasks == ["first", "second"]


class TestAGatheringChannel:
    def test_gathers_what_waits_up_to_its_size(self):
        channel, _ = channel_of(bound=9, size=2)
        for here in "xyz":
            channel.put(here)
        assert [channel.gather() for _ in range(3)] == [["x", "y"], ["z"], []]

    def test_has_another_thread_come_for_what_a_batch_left(self):
        channel, tasks = channel_of(workers=2, bound=9, size=2)
        channel.tokens.pop()
        channel.waiting.extend("xyz")
        channel.gather()
        assert tasks == [(runs, 1, None)]

    def test_is_gathered_by_one_thread_at_a_time(self):
        channel, tasks = channel_of(workers=2, size=2)
        channel._turn.acquire()
        channel.put("x")
        assert (channel.gather(), channel.rest(5), channel.follow("y"), tasks) == (
            [],
            None,
            None,
            [],
        )


@contextmanager
def pool_of(threads: int) -> Iterator[tuple[Pool, Told]]:
    broken = Told()
    pool = Pool(Visit(), broken.append)
    pool.start(threads)
    try:
        yield pool, broken
    finally:
        pool.end()
        pool.join()


class TestAPool:
    @pytest.mark.parametrize("threads", [1, 4])
    def test_does_every_task_once(self, threads):
        done = Counter()
        with pool_of(threads) as (pool, _):
            for number in range(2000):
                pool.do((lambda token, what, *_: done.update([what]), 0, number))
        assert done == Counter(range(2000))

    def test_goes_on_with_what_a_task_returns_in_the_same_thread(self):
        threads = []

        def counts_down(token: int, left: int, *_: object) -> Task | None:
            threads.append(threading.get_ident())
            return (counts_down, token, left - 1) if left else None

        with pool_of(3) as (pool, _):
            pool.do((counts_down, 0, 9))
        assert (len(threads), len(set(threads))) == (10, 1)

    def test_has_as_many_tasks_at_once_as_it_has_threads(self):
        all_of_them = threading.Barrier(5, timeout=20)
        with pool_of(5) as (pool, broken):
            for _ in range(100):
                pool.do((lambda *_: all_of_them.wait() and None, 0, None))
        assert broken == []

    def test_tells_what_a_task_raised(self):
        def breaks(*_: object) -> None:
            raise MemoryError("full")

        with pool_of(2) as (pool, broken):
            pool.do((breaks, 0, None))
            wait_for(broken.came)
        assert [str(error) for error in broken] == ["full"]


# -- stress --------------------------------------------------------------------------------


def napping(seed: int, most_us: int) -> Callable[[], Any]:
    """Makes stages that sleep for a random while, often for none."""
    chance = random.Random(seed)

    def make() -> Any:
        @stage
        def naps(payload: Any) -> Any:
            if (nap_us := chance.choice((0, 0, chance.uniform(0, most_us)))) > 0:
                time.sleep(nap_us / 1e6)
            return payload

        return naps

    return make


def tangle(seed: int) -> dict[str, Any]:
    """A fan-out, a join, a loop and a batch, behind each other, with bounds and workers."""
    chance, nap = random.Random(seed), napping(seed, 200)

    def bounds() -> dict[str, int]:
        return {"workers": chance.randint(1, 3), "queue": chance.choice((1, 1, 2, 7))}

    @stage
    def counts(parts: dict[str, dict[str, int]]) -> dict[str, int]:
        return parts["x"]

    @stage
    def batch(payloads: list[Any]) -> list[Any]:
        return payloads

    loop = {"max_visits": 3, "then": "last"}
    return {
        "in": {"uses": nap(), "to": ["x", "y"], **bounds()},
        "x": {"uses": nap(), "to": "both", **bounds()},
        "y": {"uses": nap(), "to": "between", **bounds()},
        "between": {"uses": nap(), "to": "both", **bounds()},
        "both": {"uses": counts, "join": ["x", "between"], "to": "again", **bounds()},
        "again": {"uses": nap(), "to": "route", **loop, **bounds()},
        "route": {"uses": again_until, "to": {"again": "again", "done": "batch"}, **bounds()},
        "batch": {
            "uses": batch,
            "batch": {"size": chance.randint(1, 5), "max_wait_ms": chance.choice((0, 0.1))},
            "to": "last",
            **bounds(),
        },
        "last": {"uses": nap(), **bounds()},
    }


def in_portions(made: Rig, queries: int, most: int) -> Any:
    """Run queries with at most so many in flight; reads the small rings between."""
    with made.started() as (admit, wait):
        for begin in range(0, queries, most):
            numbers = range(begin, min(begin + most, queries))
            for number in numbers:
                admit(query(number, number % 20))
            wait(len(numbers))
            made.read()
    return made.kept


@pytest.mark.parametrize("seed", range(6))
def test_no_wake_up_is_lost_whatever_the_threads_do(seed):
    """Every query is accounted for once, with the spans that its rounds through the loop make."""
    data = items_of(*({"rounds": number % 5} for number in range(20)))
    with rig(tangle(seed), "pipelined", data=data) as made:
        ran = in_portions(made, 900, 150)
        assert not made.broken
    assert sorted(each.query for each in ran.completions) == list(range(900))
    assert ran.outcomes == [DONE] * 900
    visits: dict[int, Counter[str]] = defaultdict(Counter)
    for span in ran.spans:
        visits[span.query][span.stage] += 1
    for number, seen in visits.items():
        rounds = number % 20 % 5
        once = dict.fromkeys(("data", "in", "x", "y", "between", "both", "last"), 1)
        more = {"again": min(rounds + 1, 3), "route": min(rounds + 1, 3)}
        assert seen == Counter({**once, **more, **({"batch": 1} if rounds < 3 else {})})
