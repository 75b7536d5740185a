"""How a study is conducted: what is made again, what ends it, and what it says meanwhile.

No run is made: an attempt gives at once what the test says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from collocate_support import Interrupter, bench, ledger, names, pipeline

from mlbench.collocation import conduct
from mlbench.collocation.attempt import INTERRUPTED
from mlbench.collocation.conduct import Conductor, find_again, settle
from mlbench.collocation.design import treatments_of
from mlbench.collocation.ledger import Ledger
from mlbench.collocation.watcher import Step, Watcher
from mlbench.errors import EngineError, NotARunError
from mlbench.study.layout import CapacityEntry

pytestmark = pytest.mark.unit

Outcome = Mapping[str, Any]

VALID: Outcome = {"status": "done", "verdict": "VALID"}
INVALID: Outcome = {"status": "done", "verdict": "INVALID", "reasons": ("It was late.",)}
DISTURBED: Outcome = {**INVALID, "reasons": ("Others used it.",), "disturbed": True}
CUT_OFF: Outcome = {"status": "stopped", "verdict": "INVALID", "reasons": (INTERRUPTED,)}

TWENTY = CapacityEntry(rate=20.0, how="alone")

SHARED = {"a": pipeline(load={"poisson": {"utilisation": 0.5}}), "b": pipeline()}


@pytest.fixture
def world(monkeypatch):
    """What becomes of each attempt: a function of its step, and the attempts that were made."""
    attempts: list[Any] = []

    def let(outcome: Callable[[Step], Outcome]):
        class Scripted(conduct.Attempt):
            def make(self, step: Step, watcher: Watcher) -> Any:
                attempts.append(self)
                watcher.going(step, None)
                return step.entry.model_copy(update=dict(outcome(step)))

        monkeypatch.setattr(conduct, "Attempt", Scripted)
        monkeypatch.setattr(conduct, "capacity_of", lambda directory, name: TWENTY)
        return attempts

    return let


def always(outcome: Outcome) -> Callable[[Step], Outcome]:
    return lambda step: outcome


def of(treatment: str, outcome: Outcome) -> Callable[[Step], Outcome]:
    """One treatment comes out so, all others VALID."""
    return lambda step: outcome if step.entry.treatment == treatment else VALID


# -- runs --------------------------------------------------------------------------------


def test_every_run_that_is_planned_is_made(world, tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    planned = names(book.manifest.runs)
    attempts = world(always(VALID))
    Conductor({"": book}, Watcher()).conduct()
    assert len(attempts) == 6
    assert names(book.manifest.runs) == planned
    assert (book.manifest.status, book.valid_blocks) == ("done", 2)


def test_a_treatment_runs_its_pipelines_in_the_window_of_the_study(world, tmp_path):
    book = ledger(bench("ab", repeats=1, seconds=4, settle=1), tmp_path)
    attempts = world(always(VALID))
    Conductor({"": book}, Watcher()).conduct()
    assert {attempt.names for attempt in attempts} == {("a",), ("b",), ("a", "b")}
    assert {(each.window.settle, each.window.seconds) for each in attempts} == {(1, 4)}


def test_a_run_that_others_disturbed_is_kept_and_made_again(world, tmp_path):
    book = ledger(bench("ab", repeats=1), tmp_path)
    world(lambda step: DISTURBED if step.entry.attempt == 0 else VALID)
    Conductor({"": book}, Watcher()).conduct()
    assert [run.verdict for run in book.manifest.runs] == ["INVALID"] * 3 + ["VALID"] * 3
    assert (book.manifest.status, book.valid_blocks) == ("done", 1)


def test_a_run_is_made_again_up_to_the_limit(world, tmp_path):
    book = ledger(bench("ab", repeats=2, attempts=3), tmp_path)
    world(of("together", DISTURBED))
    Conductor({"": book}, Watcher()).conduct()
    assert names(book.manifest.runs).count("together") == 6
    assert names(book.manifest.runs).count("alone-a") == 2
    assert (book.manifest.status, book.valid_blocks) == ("done", 0)


def test_a_run_that_is_invalid_for_a_cause_of_its_own_is_kept_and_not_made_again(world, tmp_path):
    book = ledger(bench("ab", repeats=2, attempts=3), tmp_path)
    world(of("together", INVALID))
    Conductor({"": book}, Watcher()).conduct()
    tried = [run.block for run in book.manifest.runs if run.treatment == "together"]
    assert tried == [0, 1]
    assert (book.manifest.status, book.valid_blocks) == ("done", 0)


def test_one_that_was_disturbed_first_and_late_then_is_not_made_a_third_time(world, tmp_path):
    book = ledger(bench("ab", repeats=1, attempts=5), tmp_path)
    world(lambda step: INVALID if step.entry.attempt else DISTURBED)
    Conductor({"": book}, Watcher()).conduct()
    assert names(book.manifest.runs).count("together") == 2


def test_what_an_earlier_process_tried_counts(world, tmp_path):
    book = ledger(bench("ab", repeats=1, attempts=3), tmp_path)
    first = book.next()
    for _ in range(2):
        planned = [run for run in book.manifest.runs if run.status == "planned"]
        entry = next(run for run in planned if run.treatment == first.treatment)
        book.note(entry.model_copy(update=dict(DISTURBED)))
        book.again(0, first.treatment)
    world(of(first.treatment, DISTURBED))
    Conductor({"": book}, Watcher()).conduct()
    assert names(book.manifest.runs).count(first.treatment) == 3


def test_each_level_is_that_of_its_treatment(world, tmp_path):
    spin = pipeline({"uses": "synthetic.spin", "with": {"seconds": 0.1}})
    against = {"pipeline": "b", "dial": "seconds", "levels": [0.2, 0.4]}
    book = ledger(bench({"a": pipeline(), "b": spin}, against=against, repeats=1), tmp_path)
    attempts = world(always(VALID))
    Conductor({"": book}, Watcher()).conduct()
    found = {
        (each.names, each.bench.pipelines["b"].stages["step"].with_["seconds"]) for each in attempts
    }
    assert found == {(("a",), 0.1), (("a", "b"), 0.2), (("a", "b"), 0.4)}


# -- capacity ----------------------------------------------------------------------------


def test_a_capacity_is_found_first_and_all_runs_have_one_rate(world, tmp_path):
    book = ledger(bench(SHARED, repeats=2), tmp_path)
    attempts = world(always(VALID))
    Conductor({"": book}, Watcher()).conduct()
    first, *others = [each.bench.pipelines["a"].load for each in attempts]
    assert (first.name, first.options) == ("closed", {"concurrency": 1})
    assert {str(load.options) for load in others} == {"{'rate': 10.0}"}
    assert book.manifest.capacity["a"].rate == 20.0
    assert len(attempts) == 7


def test_a_capacity_that_is_not_found_ends_the_study(world, tmp_path):
    book = ledger(bench(SHARED, repeats=2, attempts=2), tmp_path)
    attempts = world(of("capacity-a", INVALID))
    Conductor({"": book}, Watcher()).conduct()
    assert len(attempts) == 2
    assert book.manifest.status == "failed"
    assert book.manifest.reasons == ("The capacity of a was not found.",)


def test_a_capacity_is_compared_with_nothing_and_made_again_whatever_spoilt_it(world, tmp_path):
    book = ledger(bench(SHARED, repeats=1), tmp_path)
    world(lambda step: INVALID if step.number == 1 else VALID)
    Conductor({"": book}, Watcher()).conduct()
    assert names(book.manifest.runs)[:2] == ["capacity-a", "capacity-a"]
    assert (book.manifest.status, book.valid_blocks) == ("done", 1)


def test_a_saturated_run_that_completed_nothing_is_invalid_and_says_so(
    world, monkeypatch, tmp_path
):
    book = ledger(bench(SHARED, repeats=1, attempts=1), tmp_path)
    world(always(VALID))

    def nothing(directory, name):
        raise EngineError("a completed nothing")

    monkeypatch.setattr(conduct, "capacity_of", nothing)
    Conductor({"": book}, Watcher()).conduct()
    first = book.manifest.runs[0]
    assert (first.verdict, first.reasons) == ("INVALID", ("a completed nothing",))
    assert book.manifest.status == "failed"


def test_a_valid_run_and_the_capacity_that_it_found_are_written_as_one(
    world, monkeypatch, tmp_path
):
    book = ledger(bench(SHARED, repeats=1), tmp_path)
    world(always(VALID))
    written: list[tuple[bool, bool]] = []
    write = Ledger._write

    def seen(self: Ledger, **changes: Any) -> None:
        write(self, **changes)
        first = self.manifest.runs[0]
        written.append((first.verdict == "VALID", "a" in self.manifest.capacity))

    monkeypatch.setattr(Ledger, "_write", seen)
    Conductor({"": book}, Watcher()).conduct()
    assert set(written) == {(False, False), (True, True)}


# -- its end -----------------------------------------------------------------------------


def test_an_interrupt_ends_the_study_and_leaves_the_run_to_be_made_again(world, tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    attempts = world(always(CUT_OFF))
    Conductor({"": book}, Interrupter(book.next().treatment)).conduct()
    assert len(attempts) == 1
    assert book.manifest.status == "stopped"
    assert book.waiting == 6
    assert [run.attempt for run in book.manifest.runs].count(1) == 1


def test_an_interrupt_in_the_pause_makes_no_run(world, tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    world(always({"status": "planned"}))
    Conductor({"": book}, Interrupter(book.next().treatment, "began")).conduct()
    assert book.manifest.status == "stopped"
    assert {run.status for run in book.manifest.runs} == {"planned"}
    assert book.waiting == 6


@pytest.mark.parametrize(
    ("error", "status", "reasons"),
    [(KeyboardInterrupt(), "stopped", ()), (EngineError("no room"), "failed", ("no room",))],
)
def test_whatever_ends_it_the_study_says_so_and_can_go_on(world, tmp_path, error, status, reasons):
    book = ledger(bench("ab", repeats=1), tmp_path)

    def fail(step: Step) -> Outcome:
        raise error

    world(fail)
    with pytest.raises(type(error)):
        Conductor({"": book}, Watcher()).conduct()
    assert (book.manifest.status, book.manifest.reasons) == (status, reasons)
    assert book.manifest.process is None
    assert book.manifest.runs[0].verdict == "INVALID"
    assert book.waiting == 3


def test_a_run_that_was_cut_off_is_kept_as_an_attempt_and_planned_again(tmp_path):
    book = ledger(bench("ab", repeats=1), tmp_path)
    entry = book.next()
    book.note(entry.model_copy(update={"status": "going"}))
    settle(book)
    first, *_, last = book.manifest.runs
    assert (first.status, first.verdict) == ("aborted", "INVALID")
    assert "interrupted" in first.reasons[0]
    assert (last.treatment, last.attempt, last.status) == (entry.treatment, 1, "planned")


# -- several placements ------------------------------------------------------------------


def variants(tmp_path, what=None):
    found = {}
    for variant in ("one", "two", "three"):
        (tmp_path / variant).mkdir()
        found[variant] = ledger(what or bench("ab", repeats=4), tmp_path / variant)
    return found


def test_the_blocks_of_several_placements_are_made_in_turn(world, tmp_path):
    books = variants(tmp_path)
    attempts = world(always(VALID))
    Conductor(books, Watcher()).conduct()
    made = [(each.directory.parts[-4], each.directory.parts[-2]) for each in attempts]
    rounds = [made[i : i + 9] for i in range(0, 36, 9)]
    assert [{block for _, block in each} for each in rounds] == [{f"00{i}"} for i in range(4)]
    turns = [tuple(dict.fromkeys(variant for variant, _ in each)) for each in rounds]
    assert all(len(turn) == 3 for turn in turns)
    assert len(set(turns)) > 1


def sharing(tmp_path):
    """Two variants under shares of a capacity that the first of them measures."""
    books = {}
    for index, variant in enumerate(("one", "two")):
        (tmp_path / variant).mkdir()
        what = bench(SHARED, repeats=1, attempts=1)
        treatments = treatments_of(what, capacities=index == 0)
        books[variant] = Ledger.new(tmp_path / variant, what, treatments, {}, variant)
    return books


def test_a_capacity_that_one_placement_finds_is_that_of_all(world, tmp_path):
    books = sharing(tmp_path)
    attempts = world(always(VALID))
    Conductor(books, Watcher()).conduct()
    assert len(attempts) == 7
    assert {book.manifest.capacity["a"].rate for book in books.values()} == {20.0}


@pytest.mark.parametrize("why", ["The capacity of a was not found.", "a completes nothing"])
def test_a_capacity_that_is_not_found_ends_all_placements_that_need_it(
    world, tmp_path, monkeypatch, why
):
    books = sharing(tmp_path)
    monkeypatch.setattr(conduct, "barren", lambda directory: why if "nothing" in why else None)
    attempts = world(of("capacity-a", INVALID))
    Conductor(books, Watcher()).conduct()
    assert len(attempts) == 1
    assert {book.manifest.status for book in books.values()} == {"failed"}
    assert books["one"].manifest.reasons[0].startswith(why)
    assert books["two"].manifest.reasons == ("The capacity of a was not found.",)


def test_a_placement_in_which_a_pipeline_completes_nothing_ends_and_the_others_go_on(
    world, tmp_path, monkeypatch
):
    books, remarks, steps = variants(tmp_path), Remarks(), []
    monkeypatch.setattr(conduct, "barren", lambda directory: "a completes nothing even alone")

    def outcome(step: Step) -> Outcome:
        steps.append(step)
        return INVALID if (step.variant, step.entry.treatment) == ("two", "alone-a") else VALID

    world(outcome)
    Conductor(books, remarks).conduct()
    assert [book.manifest.status for book in books.values()] == ["done", "failed", "done"]
    assert [book.manifest.reasons for book in books.values()][::2] == [(), ()]
    assert [book.valid_blocks for book in books.values()] == [4, 0, 4]
    ((_, heard),) = remarks.heard
    assert heard.startswith("two: a completes nothing even alone")
    assert steps[-1].number == steps[-1].runs == len(steps)


def test_an_error_is_that_of_the_placement_that_was_made(world, tmp_path):
    books = variants(tmp_path)

    def fail(step: Step) -> Outcome:
        if (step.variant, step.entry.block) == ("two", 1):
            raise EngineError("no room")
        return VALID

    world(fail)
    with pytest.raises(EngineError):
        Conductor(books, Watcher()).conduct()
    ended = {name: (book.manifest.status, book.manifest.reasons) for name, book in books.items()}
    assert ended.pop("two") == ("failed", ("no room",))
    assert set(ended.values()) == {("stopped", ())}


# -- gone on with, after a capacity ------------------------------------------------------


def test_a_capacity_that_is_lost_is_found_again_from_its_run(world, tmp_path):
    book = ledger(bench(SHARED, repeats=1), tmp_path)
    attempts = world(always(VALID))
    book.note(book.next().model_copy(update=dict(VALID)))
    find_again([book])
    assert book.manifest.capacity["a"].rate == 20.0
    Conductor({"": book}, Watcher()).conduct()
    assert len(attempts) == 3


def test_a_capacity_that_was_not_found_is_measured_again(world, tmp_path):
    book = ledger(bench(SHARED, repeats=1, attempts=2), tmp_path)
    world(of("capacity-a", INVALID))
    Conductor({"": book}, Watcher()).conduct()
    assert book.manifest.status == "failed"
    attempts = world(always(VALID))
    before = len(attempts)
    find_again([book])
    assert book.missing() == [(0, "capacity-a")]
    book.again(0, "capacity-a")
    Conductor({"": book}, Watcher()).conduct()
    assert len(attempts) - before == 4
    assert (book.manifest.status, book.valid_blocks) == ("done", 1)


def test_a_placement_that_another_one_measures_for_is_not_gone_on_with_alone(tmp_path):
    what = bench(SHARED, repeats=1)
    book = Ledger.new(tmp_path, what, treatments_of(what, capacities=False), {}, "two")
    with pytest.raises(NotARunError, match="resume them together"):
        find_again([book])


# -- what is said meanwhile --------------------------------------------------------------


def test_each_step_says_where_the_study_is(world, tmp_path):
    book = ledger(bench("ab", repeats=2), tmp_path)
    seen: list[Step] = []

    class Listener(Watcher):
        def began(self, step: Step) -> None:
            seen.append(step)

    world(lambda step: DISTURBED if (step.number, step.entry.attempt) == (1, 0) else VALID)
    Conductor({"": book}, Listener()).conduct()
    assert [step.number for step in seen] == list(range(1, 8))
    assert [step.runs for step in seen] == [6] + [7] * 6
    assert seen[0].text == f"block 1 of 2: {seen[0].entry.treatment}"
    assert seen[3].text.endswith(", attempt 2")
    lefts = [step.left_s for step in seen]
    assert lefts[-1] < lefts[0]
    assert [step.known for step in seen] == [False] + [True] * 6


class Remarks(Watcher):
    """Remembers what is remarked, and after how many runs."""

    def __init__(self) -> None:
        self.ended_runs = 0
        self.heard: list[tuple[int, str]] = []

    def ended(self, step: Step) -> None:
        self.ended_runs += 1

    def remarked(self, text: str) -> None:
        self.heard.append((self.ended_runs, text))


def test_that_valid_is_out_of_reach_is_said_once_and_as_soon_as_it_is_known(world, tmp_path):
    book, remarks = ledger(bench("ab", repeats=3, min_blocks=3), tmp_path), Remarks()
    world(lambda step: INVALID if step.entry.block == 0 else VALID)
    Conductor({"": book}, remarks).conduct()
    assert remarks.heard == [
        (
            1,
            "VALID is out of reach with 3 blocks: 1 lost, so it takes 5 (later: mlbench collocate "
            f"--resume {tmp_path} --repeats 5).",
        )
    ]


def test_a_study_that_can_lose_a_block_says_nothing(world, tmp_path):
    book, remarks = ledger(bench("ab", repeats=5, min_blocks=3), tmp_path), Remarks()
    world(lambda step: INVALID if step.entry.block == 0 else VALID)
    Conductor({"": book}, remarks).conduct()
    assert remarks.heard == []


def test_a_pipeline_that_completes_nothing_even_alone_ends_the_study(world, tmp_path, monkeypatch):
    book, remarks = ledger(bench("ab", repeats=3), tmp_path), Remarks()
    monkeypatch.setattr(conduct, "barren", lambda directory: "a completes nothing even alone")
    attempts = world(of("alone-a", INVALID))
    Conductor({"": book}, remarks).conduct()
    made = next(run for run in book.manifest.runs if run.verdict == "INVALID")
    assert attempts[-1].names == ("a",)
    assert book.manifest.status == "failed"
    assert book.manifest.reasons == (f"a completes nothing even alone ({made.directory}).",)
    assert remarks.heard[-1][1].endswith(f"mlbench show {tmp_path / made.directory}")


def test_one_bad_run_of_a_pipeline_that_did_well_before_does_not_end_the_study(
    world, tmp_path, monkeypatch
):
    book = ledger(bench("ab", repeats=5, min_blocks=3), tmp_path)
    monkeypatch.setattr(conduct, "barren", lambda directory: "a completes nothing even alone")
    last = [4]
    world(
        lambda step: (
            INVALID if step.entry.treatment == "alone-a" and step.entry.block in last else VALID
        )
    )
    Conductor({"": book}, Remarks()).conduct()
    assert book.manifest.status == "done"
    assert sum(run.verdict == "VALID" for run in book.manifest.runs) == 14
