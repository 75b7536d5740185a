"""The driver sends every query when it is due, and does nothing else that takes time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from mlbench.engine import driver
from mlbench.engine.driver import Lane, drive
from mlbench.engine.page import Page
from mlbench.engine.ring import Ring
from mlbench.engine.rows import DISPATCH_ROW
from mlbench.engine.wire import MAIL, pipe
from mlbench.loads.constant import Constant
from mlbench.spec import Stop

pytestmark = pytest.mark.unit

QUERIES = 20


class Waits:
    """Stands in for the clock's `wait_until`: every instant has come already."""

    def __init__(self) -> None:
        self.instants: list[int] = []

    def __call__(self, instant_ns: int, *_: object) -> bool:
        """Note the instant; nothing else has happened."""
        self.instants.append(instant_ns)
        return False


def a_lane(inbox: int, name: str = "a") -> Lane:
    """An open load that is due all at once, nearly."""
    return Lane(
        name=name, code=0, load=Constant(rate=1e6), stop=Stop(queries=QUERIES), seed=7, block=0,
        shuffled=False, items_per_query=1, inbox=inbox, page=Page(), backlog=QUERIES,
    )  # fmt: skip


@contextmanager
def driven(inbox: int, *others: Lane) -> Iterator[Ring]:
    """What a driver has sent, when its load is over."""
    control, outbox = pipe(), pipe()
    lanes = [a_lane(inbox), *others]
    ring = Ring(DISPATCH_ROW, 64)
    thread = Thread(target=drive, args=(lanes, ring, control[0], outbox[1], False))
    thread.start()
    tell(control[1], kind="prepare", queries_per_pass={each.name: 100 for each in lanes})
    tell(control[1], kind="start", barrier_ns=0)
    with os.fdopen(outbox[0], "rb") as told:
        assert any(json.loads(line).get("pipeline") == "a" for line in told)
        tell(control[1], kind="leave")
        thread.join()
        yield ring
    for fd in (*control, outbox[1]):
        os.close(fd)


def tell(control: int, **message: Any) -> None:  # Any: JSON
    os.write(control, json.dumps(message).encode() + b"\n")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The waits of a driver in this process, which keeps its priority and its collector."""
    found = Waits()
    monkeypatch.setattr(driver, "wait_until", found)
    monkeypatch.setattr(driver, "precise", dict)
    idle = SimpleNamespace(collect=int, freeze=int, disable=int)
    monkeypatch.setattr(driver, "gc", idle)
    return found


def test_every_query_is_sent_and_noted_in_the_order_in_which_it_is_due(waits: Waits) -> None:
    source, inbox = pipe()
    with driven(inbox) as ring:
        mails = list(MAIL.iter_unpack(os.read(source, 1 << 16)))
    assert [query for query, *_ in mails[:-1]] == list(range(QUERIES))
    assert [due for _, _, due, _ in mails[:-1]] == waits.instants
    assert ring.take()[:, 0].tolist() == list(range(QUERIES))


def test_to_hear_the_supervisor_costs_no_wait(
    waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listened to now and then where every query is late: that must not make them later."""
    monkeypatch.setattr(driver, "DEAF_TURNS", 2)
    _, inbox = pipe()
    with driven(inbox):
        assert len(waits.instants) == QUERIES


def test_a_load_that_has_ended_is_served_while_another_is_always_late(
    waits: Waits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What its full inbox did not take goes there as soon as the supervisor is listened to."""
    monkeypatch.setattr(driver, "DEAF_TURNS", 2)
    source, full = pipe()
    os.set_blocking(full, False)
    with suppress(BlockingIOError):
        while os.write(full, bytes(4096)):
            continue
    ended = a_lane(full, name="ended")
    ended.ended = True
    left: list[int] = []

    def waited(*_: object) -> bool:
        left.append(len(ended.waiting))
        if len(left) == 1:  # its worker takes what there is
            os.read(source, 1 << 20)
        return False

    monkeypatch.setattr(driver, "wait_until", waited)
    _, inbox = pipe()
    with driven(inbox, ended):
        assert (left[0], left[QUERIES - 1]) == (1, 0)  # that no further query comes
