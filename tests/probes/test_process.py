"""What pipelines use of the host, over made-up files of a kernel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from plant import Plant

from mlbench.interfaces.probe import Context, Reading, Tier
from mlbench.probes import process
from mlbench.probes.process import PAGE_BYTES, TICK_S, Process
from mlbench.probes.tree import owners_of

pytestmark = pytest.mark.unit


def stat(
    waited: int = 0, threads: int = 1, pages: int = 0, state: str = "S", parent: int = 1
) -> str:
    """``/proc/PID/stat`` of a process whose name holds what a careless parser trips over."""
    middle = " ".join(["0"] * 9)
    times = f"0 0 {waited} 0"
    return f"7 (a ) b) {state} {parent} {middle} {times} 20 0 {threads} 0 99 4096 {pages} 0\n"


def io(read: int, written: int) -> str:
    return f"rchar: 1\nwchar: 2\nread_bytes: {read}\nwrite_bytes: {written}\n"


def status(voluntary: int, involuntary: int) -> str:
    return (
        "Name:\tpython\nThreads:\t1\n"
        f"voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}\n"
    )


class Machine:
    """Made-up processes that belong to pipelines, and clocks that are told the time."""

    def __init__(self, plant: Plant, owners: Mapping[int, str]) -> None:
        self._plant = plant
        self.owners = owners
        self.now_ns = 0
        self.used_s: dict[int, float] = {}
        self.root = plant({"proc/self/stat": stat()})
        self.context = Context({}, lambda: self.owners, root=self.root, clock=lambda: self.now_ns)

    def has(self, pid: int, used_s: float | None = None, **files: str) -> None:
        """A process that has used so much, with these files; ``status`` is its first thread's."""
        if used_s is not None:
            self.used_s[pid] = used_s
        self._plant({f"proc/{pid}/{name}": text for name, text in files.items()})
        if "status" in files:
            self.thread(pid, pid, files["status"])

    def thread(self, pid: int, thread: int, text: str) -> None:
        self._plant({f"proc/{pid}/task/{thread}/status": text})

    def loses(self, pid: int) -> None:
        """It has ended, and somebody has waited for it."""
        del self.used_s[pid]
        for file in ("stat", "io"):
            path = self.root / "proc" / str(pid) / file
            if path.exists():
                path.write_text("")  # as a held file of such a process: nothing to parse
        shutil.rmtree(self.root / "proc" / str(pid))

    def clock_s(self, pid: int) -> float:
        if pid not in self.used_s:
            raise OSError(22, "Invalid argument")
        return self.used_s[pid]

    @contextmanager
    def probed(self) -> Iterator[Machine]:
        """The probe, open."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "cpu_clock_s", self.clock_s)
            with Process().open(self.context) as self._read:
                yield self

    def read(self, tier: Tier, at_s: float) -> dict[tuple[str, str | None], Reading]:
        """What it gives at a second, by metric and pipeline."""
        self.now_ns = round(at_s * 1e9)
        rows = (Reading(*row) for row in self._read(tier))
        return {(row.metric, row.pipeline): row for row in rows}


def test_processor_time_is_the_increase_since_the_last_reading(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(7, 1.2, stat=stat())
    with machine.probed():
        assert machine.read("medium", 1.0) == {}
        machine.has(7, 1.6)
        row = machine.read("medium", 1.5)["cpu_time", "rag"]
    assert row.value == pytest.approx(0.4)
    assert (row.start_ns, row.end_ns) == (1_000_000_000, 1_500_000_000)


def test_the_processes_of_a_pipeline_are_added_up_and_those_of_another_are_not(
    plant: Plant,
) -> None:
    machine = Machine(plant, {7: "rag", 8: "rag", 9: "train"})
    for pid, used_s in ((7, 1), (8, 2), (9, 7)):
        machine.has(pid, used_s, stat=stat(pages=pid, threads=2))
    with machine.probed():
        machine.read("medium", 1)
        for pid, used_s in ((7, 1.1), (8, 2.2), (9, 7.3)):
            machine.has(pid, used_s)
        rows, sizes = machine.read("medium", 2), machine.read("slow", 2)
    assert rows["cpu_time", "rag"].value == pytest.approx(0.3)
    assert rows["cpu_time", "train"].value == pytest.approx(0.3)
    assert sizes["memory_rss", "rag"].value == 15 * PAGE_BYTES
    assert sizes["processes", "rag"].value == 2
    assert sizes["threads", "train"].value == 2


def test_what_a_child_has_used_is_kept_when_it_ends(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag", 8: "rag"})
    machine.has(7, 1, stat=stat())
    machine.has(8, 5, stat=stat())
    with machine.probed():
        machine.read("medium", 1)
        machine.loses(8)
        row = machine.read("medium", 2)["cpu_time", "rag"]
        machine.has(7, 1.3)
        later = machine.read("medium", 3)["cpu_time", "rag"]
    assert row.value == 0
    assert later.value == pytest.approx(0.3)


def test_a_child_that_nobody_saw_is_counted_when_its_parent_waits_for_it(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(7, 1, stat=stat(waited=200))
    with machine.probed():
        machine.read("medium", 1)
        machine.has(7, 1.1, stat=stat(waited=230))
        machine.read("slow", 2)
        row = machine.read("medium", 2)["cpu_time", "rag"]
    assert row.value == pytest.approx(0.1 + 30 * TICK_S)


def test_a_child_that_was_seen_is_not_counted_again_when_its_parent_waits_for_it(
    plant: Plant,
) -> None:
    machine = Machine(plant, {7: "rag", 8: "rag"})
    machine.has(7, 1, stat=stat())
    machine.has(8, 50 * TICK_S, stat=stat())
    with machine.probed():
        machine.read("medium", 1)
        machine.loses(8)
        machine.has(7, stat=stat(waited=52))  # two ticks after it was last seen
        machine.read("slow", 2)
        row = machine.read("medium", 2)["cpu_time", "rag"]
    assert row.value == pytest.approx(2 * TICK_S)


def test_a_process_that_waits_to_be_reaped_has_time_and_no_memory(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(7, 1, stat=stat(state="Z"))
    with machine.probed():
        machine.read("medium", 1)
        assert set(machine.read("medium", 2)) == {("cpu_time", "rag")}
        assert machine.read("slow", 2) == {}


def test_a_process_that_comes_later_is_met(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(7, 1, stat=stat())
    with machine.probed():
        machine.read("medium", 1)
        machine.has(8, 0.4, stat=stat())
        machine.owners = {7: "rag", 8: "rag"}
        row = machine.read("medium", 2)["cpu_time", "rag"]
    assert row.value == pytest.approx(0.4)


def test_bytes_from_and_to_storage_never_go_backwards(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag", 8: "rag"})
    machine.has(7, stat=stat(), io=io(1000, 10))
    machine.has(8, stat=stat(), io=io(500, 0))
    with machine.probed():
        machine.read("rare", 1)
        machine.has(7, io=io(1100, 30))
        assert machine.read("rare", 2)["io_read", "rag"].value == 100
        (machine.root / "proc/8/io").write_text(io(0, 0))  # gone, and nobody waited for it
        rows = machine.read("rare", 3)
    assert rows["io_read", "rag"].value == 0
    assert rows["io_written", "rag"].value == 0


def test_switches_are_those_of_every_thread(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(7, stat=stat(threads=2), status=status(10, 1))
    machine.thread(7, 71, status(100, 2))
    with machine.probed():
        machine.read("rare", 1)
        machine.thread(7, 71, status(140, 3))
        machine.thread(7, 72, status(5, 0))
        rows = machine.read("rare", 2)
    assert rows["switches_voluntary", "rag"].value == 45
    assert rows["switches_involuntary", "rag"].value == 1


def test_shared_memory_is_read_at_the_ends_only(plant: Plant) -> None:
    machine = Machine(plant, {7: "rag"})
    machine.has(
        7, stat=stat(), smaps_rollup="00-ff ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss: 3 kB\n"
    )
    with machine.probed():
        assert machine.read("ends", 1)["memory_pss", "rag"].value == 3 * 1024


def test_without_proc_every_metric_has_a_reason(tmp_path: Path) -> None:
    context = Context(root=tmp_path)
    with Process().open(context) as read:
        assert list(read("medium")) == []
    assert {metric for metric, _ in context.nulls} == {metric.name for metric in Process.metrics}


# -- who belongs to whom -----------------------------------------------------------------


def test_a_tree_is_found_by_the_children_of_each_thread(plant: Plant) -> None:
    root = plant(
        {
            "proc/self/task/1/children": "",
            "proc/7/task/7/children": "8 ",
            "proc/7/task/71/children": "9 ",
            "proc/8/task/8/children": "10 ",
            "proc/9/task/9/children": "",
            "proc/10/task/10/children": "",
            "proc/20/task/20/children": "",
        }
    )
    assert owners_of({7: "rag", 20: "train", 30: "gone"}, root) == {
        7: "rag", 8: "rag", 9: "rag", 10: "rag", 20: "train",
    }  # fmt: skip


def test_a_tree_is_found_by_parents_where_the_kernel_lists_no_children(plant: Plant) -> None:
    parents = {7: 1, 8: 7, 9: 8, 20: 1, 21: 20, 50: 1}
    root = plant({f"proc/{pid}/stat": stat(parent=parent) for pid, parent in parents.items()})
    assert owners_of({7: "rag", 20: "train"}, root) == {
        7: "rag", 8: "rag", 9: "rag", 20: "train", 21: "train",
    }  # fmt: skip


def test_one_whose_parent_has_ended_is_remembered(plant: Plant) -> None:
    root = plant({"proc/7/stat": stat(), "proc/8/stat": stat(parent=7)})
    before = owners_of({7: "rag"}, root)
    shutil.rmtree(root / "proc/7")
    (root / "proc/8/stat").write_text(stat(parent=1))
    assert owners_of(before, root) == {8: "rag"}
