"""The ledger of a study: what is planned, what is made, and what is on disk after each step."""

from __future__ import annotations

import json
import os

import pytest
from collocate_support import bench, ledger, names, pipeline

from mlbench.collocation.attempt import INTERRUPTED
from mlbench.collocation.ledger import Ledger
from mlbench.errors import NotARunError, OutputError
from mlbench.store.kind import STUDY
from mlbench.store.process import process_identity
from mlbench.study.layout import CapacityEntry

pytestmark = pytest.mark.unit


def made(book: Ledger, count: int, verdict: str = "VALID") -> None:
    """Say of the next runs that they are made."""
    for _ in range(count):
        book.note(ended(book, verdict))


def ended(book: Ledger, verdict: str = "VALID"):
    return book.next().model_copy(update={"status": "done", "verdict": verdict})


def test_a_new_study_is_planned_as_a_whole(tmp_path):
    book = ledger(bench("ab", repeats=3), tmp_path)
    data = json.loads((tmp_path / STUDY).read_text())
    assert [run["block"] for run in data["runs"]] == [0] * 3 + [1] * 3 + [2] * 3
    assert {run["status"] for run in data["runs"]} == {"planned"}
    assert data["status"] == "going"
    assert data["process"]["pid"] == os.getpid()
    assert book.valid_blocks == 0


def test_runs_are_made_in_the_order_in_which_they_are_planned(tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    order = names(book.manifest.runs)
    seen = []
    while (entry := book.next()) is not None:
        seen.append(entry.treatment)
        made(book, 1)
    assert seen == order
    assert book.valid_blocks == 2


def test_a_block_is_valid_when_every_treatment_of_it_is(tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    made(book, 2)
    assert book.valid_blocks == 0
    made(book, 1)
    assert book.valid_blocks == 1


def test_another_attempt_comes_at_the_end_of_its_block(tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    first = book.next()
    made(book, 1, "INVALID")
    book.again(first.block, first.treatment)
    assert [(run.block, run.attempt) for run in book.manifest.runs] == [
        *[(0, 0)] * 3,
        (0, 1),
        *[(1, 0)] * 3,
    ]
    assert book.manifest.runs[3].treatment == first.treatment
    assert book.manifest.runs[3].directory.endswith("-1")


def test_another_attempt_at_a_block_that_is_over_comes_next(tmp_path):
    book = ledger(bench("ab", repeats=3), tmp_path)
    made(book, 4)
    book.again(0, "together")
    assert (book.next().block, book.next().treatment, book.next().attempt) == (0, "together", 1)


def test_another_attempt_at_a_capacity_comes_before_all_that_need_it(tmp_path):
    what = bench({"a": pipeline(load={"poisson": {"utilisation": 0.5}}), "b": pipeline()})
    book = ledger(what, tmp_path)
    made(book, 1, "INVALID")
    book.again(0, "capacity-a")
    assert (book.next().treatment, book.next().attempt) == ("capacity-a", 1)


def test_what_others_disturbed_is_missing_until_it_is_planned_again(tmp_path):
    book = ledger(bench("ab", repeats=1), tmp_path)
    lost = book.next().treatment
    book.note(ended(book, "INVALID").model_copy(update={"disturbed": True}))
    assert book.missing() == [(0, lost)]
    made(book, 2)
    book.again(0, lost)
    assert book.missing() == []


def test_what_was_invalid_for_a_cause_of_its_own_is_not_missing(tmp_path):
    book = ledger(bench("ab", repeats=1), tmp_path)
    made(book, 1, "INVALID")
    assert book.missing() == []


@pytest.mark.parametrize(("attempts", "owed"), [(2, False), (3, True)])
def test_attempts_that_are_on_disk_count_and_interrupted_ones_do_not(tmp_path, attempts, owed):
    book = ledger(bench("a", design="aa", repeats=1, attempts=attempts), tmp_path)
    entry = book.next()
    for reason in ("Others used it.", INTERRUPTED, "Others used it."):
        planned = [run for run in book.manifest.runs if run.treatment == entry.treatment][-1]
        changes = {"status": "done", "verdict": "INVALID", "reasons": (reason,), "disturbed": True}
        book.note(planned.model_copy(update=changes))
        book.again(entry.block, entry.treatment)
    last = [run for run in book.manifest.runs if run.treatment == entry.treatment][-1]
    runs = tuple(run for run in book.manifest.runs if run != last)
    book.close("stopped")
    again = Ledger(tmp_path, book.manifest.model_copy(update={"runs": runs}), book.bench)
    assert again.owes(entry.block, entry.treatment) == owed


def test_a_study_may_get_more_blocks_and_never_fewer(tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    before = book.manifest.runs
    book.extend(4)
    assert (book.manifest.repeats, len(book.manifest.runs)) == (4, 12)
    assert book.manifest.runs[:6] == before
    book.extend(1)
    assert book.manifest.repeats == 4


def test_a_study_is_read_back_as_it_was_written(tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    made(book, 1)
    book.found({"a": CapacityEntry(rate=12.5, how="alone")})
    book.close("stopped")
    again = Ledger.read(tmp_path)
    assert again.manifest == book.manifest
    assert again.bench == bench("ab", repeats=2)
    assert again.next() == book.next()


def test_a_study_that_another_process_makes_is_left_alone(tmp_path):
    ledger(bench("ab"), tmp_path)
    with pytest.raises(NotARunError, match=f"goes on in process {os.getpid()}"):
        Ledger.read(tmp_path)


def test_a_study_whose_process_is_gone_is_read(tmp_path):
    ledger(bench("ab"), tmp_path)
    data = json.loads((tmp_path / STUDY).read_text())
    data["process"] = {**process_identity(os.getpid()), "start_ticks": 1}
    (tmp_path / STUDY).write_text(json.dumps(data))
    assert Ledger.read(tmp_path).manifest.status == "going"


def test_the_spec_of_a_study_may_be_given_and_has_to_be_its_own(tmp_path):
    ledger(bench("ab"), tmp_path).close("stopped")
    assert Ledger.read(tmp_path, [bench("abc"), bench("ab", repeats=9)]).bench == bench("ab")
    with pytest.raises(NotARunError, match="of another spec, 'b'"):
        Ledger.read(tmp_path, [bench("abc")])


def test_a_directory_without_a_study_is_told(tmp_path):
    with pytest.raises(NotARunError, match="holds no study"):
        Ledger.read(tmp_path)


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        ledger(bench("ab"), tmp_path / "not there")
