"""What Slurm says, read from what it said: recorded from the real one, of Debian 12."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

from mlbench.errors import EngineError, MissingExtraError, SpecError
from mlbench.sweep.layout import Block, Point, SweepManifest
from mlbench.sweep.plan import Plan
from mlbench.sweep.slurm import client, jobs
from mlbench.sweep.slurm.arguments import read
from mlbench.sweep.slurm.endings import has_arrived, note, refuse_a_folder_of_its_own
from mlbench.sweep.slurm.job import Job, State, is_hopeless, parsed, state_of
from mlbench.sweep.slurm.jobs import Jobs
from mlbench.sweep.slurm.ledger import Entry, Ledger
from mlbench.sweep.slurm.options import Options, kept
from mlbench.sweep.slurm.refusal import refusal
from mlbench.sweep.slurm.submission import comment_of, log_of
from mlbench.sweep.state import PointState, read_state, write_state

pytestmark = pytest.mark.unit

RECORDED = Path(__file__).parent / "slurm_recorded"
SQUEUE = (RECORDED / "squeue.txt").read_text()
SCONTROL = (RECORDED / "scontrol.txt").read_text()

Answers = Callable[[Mapping[str, str]], list[tuple[str, ...]]]


@pytest.fixture
def slurm_says(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Have Slurm's commands say something: what they print, by program; others fail."""

    def answer(texts: Mapping[str, str]) -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            asked.append(command)
            text = texts.get(command[0])
            if text is not None and not text.startswith("error: "):
                return subprocess.CompletedProcess(command, 0, text, "")
            return subprocess.CompletedProcess(command, 1, "", text or "it is disabled")

        monkeypatch.setattr(client, "_run", run)
        return asked

    return answer


# -- jobs --------------------------------------------------------------------------------


def test_every_state_of_a_recorded_job_is_one_of_ours() -> None:
    found = [(job.id, job.state, job.reason) for job in parsed(SQUEUE)]
    assert found == [
        ("5", "pending", "Resources"),
        ("6", "pending", "PartitionTimeLimit"),
        ("4", "running", ""),
        ("7", "running", ""),  # completing: what it writes is still to come
        ("1", "done", ""),
        ("2", "failed", "NonZeroExitCode"),
        ("3", "timed out", "TimeLimit"),
        ("4", "node failed", "NodeDown"),
        ("5", "cancelled", "Resources"),
        ("7", "cancelled", ""),
    ]


def test_a_recorded_job_has_its_node_its_times_and_its_comment() -> None:
    timed_out = next(job for job in parsed(SQUEUE) if job.id == "3")
    assert (timed_out.node, timed_out.limit_s, timed_out.comment) == ("n0", 60, "mine|too")
    assert timed_out.start_s is not None
    assert timed_out.end_s == timed_out.start_s + 86


def test_a_job_that_has_not_begun_has_no_times() -> None:
    waiting = next(parsed(SQUEUE))
    assert (waiting.node, waiting.start_s, waiting.end_s) == ("", None, None)


@pytest.mark.parametrize(
    ("slurm", "ours"),
    [
        ("OUT_OF_MEMORY", "out of memory"),
        ("BOOT_FAIL", "node failed"),
        ("DEADLINE", "timed out"),
        ("PREEMPTED", "cancelled"),
        ("CANCELLED by 1000", "cancelled"),
        ("CONFIGURING", "pending"),
        ("SUSPENDED", "running"),
    ],
)
def test_states_that_no_machine_of_a_test_gets_into_are_known_too(slurm: str, ours: str) -> None:
    assert state_of(slurm) == ours
    assert ours in get_args(State)


def test_a_state_of_a_later_slurm_does_not_end_a_job() -> None:
    assert not Job("1", state_of("TELEPORTING")).has_ended


def test_what_never_comes_is_told_from_what_takes_time() -> None:
    waiting = {job.reason: is_hopeless(job) for job in parsed(SQUEUE) if job.state == "pending"}
    assert waiting == {"Resources": False, "PartitionTimeLimit": True}


@pytest.mark.parametrize(
    "text", ["", "\n", "slurm_load_jobs error: x", "1|RUNNING", "a|b|c|d|e|f|g|h"]
)
def test_a_line_that_is_no_job_is_left_out(text: str) -> None:
    assert list(parsed(text)) == []


# -- questions ---------------------------------------------------------------------------


def test_all_jobs_are_one_question(slurm_says: Answers) -> None:
    asked = slurm_says({"squeue": SQUEUE})
    assert set(client.look_up(["1", "2", "3"])) >= {"1", "2", "3"}
    assert [command[0] for command in asked] == ["squeue"]
    assert "--jobs=1,2,3" in asked[0]


def test_a_job_that_the_controller_has_forgotten_is_asked_of_the_accounts(
    slurm_says: Answers,
) -> None:
    line = "9|OUT_OF_MEMORY|None|n0|2026-01-02T03:04:05|2026-01-02T03:05:05|01:00:00|mine"
    slurm_says({"squeue": "error: Invalid job id specified", "sacct": line})
    assert client.look_up(["9"])["9"].state == "out of memory"


def test_a_job_that_nobody_knows_is_missing(slurm_says: Answers) -> None:
    slurm_says({"squeue": "error: Invalid job id specified"})
    assert client.look_up(["9"]) == {}


@pytest.mark.parametrize(("number", "status"), [(0, 0), (1, 3), (2, 143)])
def test_the_exit_status_of_a_recorded_job(slurm_says: Answers, number: int, status: int) -> None:
    slurm_says({"scontrol": SCONTROL.splitlines()[number]})
    assert client.exit_status("1") == status


def test_the_longest_time_is_that_of_the_partition(slurm_says: Answers) -> None:
    slurm_says({"sinfo": "main*|1:00:00\nlong|7-00:00:00\nfree|infinite\n"})
    assert client.longest_s(None) == 3600
    assert client.longest_s("long") == 7 * 86_400
    assert client.longest_s("long,main") == 3600
    assert client.longest_s("free") is None
    assert client.partitions() == {"main", "long", "free"}


def test_without_submitit_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for program in ("sbatch", "squeue", "scancel", "srun"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlbench\[slurm\]'"):
        client.require()


# -- what is known of a sweep's jobs -----------------------------------------------------


def test_a_ledger_reads_what_another_has_written(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.add("r000", Job("7", "pending"))
    first.update([Job("7", "running", node="n0", start_s=1.5)])
    assert Ledger(tmp_path).entries == first.entries
    assert list(Ledger(tmp_path).going) == ["7"]


def test_a_damaged_ledger_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "slurm").mkdir()
    path = tmp_path / "slurm" / "jobs.json"
    for text in ("", "[]", '{"jobs": 3}', '{"jobs": [{"block": "a"}, 7]}'):
        path.write_text(text)
        assert Ledger(tmp_path).entries == ()


def test_a_job_that_slurm_has_forgotten_has_ended(tmp_path: Path, slurm_says: Answers) -> None:
    known = _jobs(tmp_path, Job("7", "running"))
    slurm_says({"squeue": ""})
    (entry,) = known.look()
    assert (entry.job.state, entry.job.reason) == ("failed", "Slurm has forgotten it")


def test_a_job_that_nobody_wrote_down_is_found_by_its_comment(
    tmp_path: Path, slurm_says: Answers
) -> None:
    comment = comment_of(tmp_path, "r001")
    slurm_says({"squeue": f"8|PENDING|Priority||N/A|N/A|1:00|{comment}\n{SQUEUE}"})
    found = Jobs(tmp_path, Options()).find(["r000", "r001"])
    assert {block: entry.job.id for block, entry in found.items()} == {"r001": "8"}
    assert list(Ledger(tmp_path).going) == ["8"]


def test_a_hopeless_job_is_cancelled_and_keeps_its_reason(
    tmp_path: Path, slurm_says: Answers
) -> None:
    known = _jobs(tmp_path, Job("6", "pending"))
    asked = slurm_says({"squeue": SQUEUE.splitlines()[1], "scancel": ""})
    known.look()
    assert ("scancel", "--quiet", "6") in asked
    slurm_says({"squeue": "6|CANCELLED|None||N/A|N/A|8:20:00|mine"})
    (entry,) = known.look()
    assert (entry.job.state, entry.job.reason) == ("failed", "PartitionTimeLimit")


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (143, "timed out", "TimeLimit"),
        (75, "failed", "another process executes this block"),
        (1, "failed", "NonZeroExitCode"),
    ],
)
def test_the_exit_status_of_a_block_says_more_than_slurm(
    tmp_path: Path, slurm_says: Answers, status: int, state: str, reason: str
) -> None:
    known = _jobs(tmp_path, Job("2", "running"))
    failed = next(line for line in SQUEUE.splitlines() if "FAILED" in line)
    slurm_says({"squeue": failed, "scontrol": f"JobId=2 ExitCode={status}:0 RunTime=0"})
    (entry,) = known.look()
    assert (entry.job.state, entry.job.reason) == (state, reason)


def test_a_controller_that_is_away_for_a_while_is_waited_for(
    tmp_path: Path, slurm_says: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: Iterator[float] = iter([0.0, 5.0, 11.0])
    monkeypatch.setattr(jobs.time, "monotonic", lambda: next(moments))
    known = _jobs(tmp_path, Job("7", "running"), silence_s=10)
    slurm_says({"squeue": "error: Unable to contact slurm controller (connect failure)"})
    assert known.look() == []
    with pytest.raises(EngineError, match=r"does not answer.*\n.*--resume DIR --on slurm"):
        known.look()


def _jobs(sweep: Path, job: Job, silence_s: float = 600) -> Jobs:
    Ledger(sweep).add("r000", job)
    return Jobs(sweep, Options(), silence_s)


# -- ends --------------------------------------------------------------------------------


@pytest.fixture
def sweep(tmp_path: Path) -> tuple[Path, SweepManifest]:
    """A block of two points."""
    names = ("a", "b")
    points = [
        Point(id=p, block="r000", combination=i, repeat=0, seed=0, identity=p)
        for i, p in enumerate(names)
    ]
    manifest = SweepManifest(
        title="t",
        kind="run",
        plan=Plan(spec="t.yml", make="run"),
        folder=str(tmp_path),
        blocks=(Block(id="r000", repeat=0, points=names),),
        points=tuple(points),
    )
    (tmp_path / "slurm").mkdir()
    return tmp_path, manifest


def test_a_directory_that_the_node_does_not_share_is_an_error(
    sweep: tuple[Path, SweepManifest],
) -> None:
    entry = Entry("r000", Job("7", "done", node="n3"), 0.0)
    assert not has_arrived(*sweep, entry)
    with pytest.raises(EngineError, match=r"job 7 on n3.*\n.*srun --nodelist=n3 ls .*--out"):
        refuse_a_folder_of_its_own(*sweep, entry)


def test_a_job_that_printed_something_shares_the_directory(
    sweep: tuple[Path, SweepManifest],
) -> None:
    entry = Entry("r000", Job("7", "failed", node="n3"), 0.0)
    log_of(sweep[0], "7").touch()
    assert has_arrived(*sweep, entry)
    refuse_a_folder_of_its_own(*sweep, entry)


def test_a_job_that_never_ran_says_nothing_about_the_directory(
    sweep: tuple[Path, SweepManifest],
) -> None:
    entry = Entry("r000", Job("7", "cancelled"), 0.0)
    assert has_arrived(*sweep, entry)
    refuse_a_folder_of_its_own(*sweep, entry)


def test_what_a_dead_node_left_running_is_planned_again_with_the_reason(
    sweep: tuple[Path, SweepManifest],
) -> None:
    path, manifest = sweep
    write_state(path, "a", PointState("done", attempts=1))
    write_state(path, "b", PointState("running", process={"pid": 1, "host": "n3"}))
    note(path, manifest, Entry("r000", Job("7", "node failed", "NodeDown", "n3"), 0.0))
    assert read_state(path, "a") == PointState("done", attempts=1)
    left = read_state(path, "b")
    assert (left.status, left.process) == ("planned", None)
    assert left.error == {
        "kind": "NodeFailed",
        "message": "block r000: job 7 on n3: node failed (NodeDown)",
    }


# -- options -----------------------------------------------------------------------------


def test_a_job_has_a_node_for_itself_with_all_of_its_memory() -> None:
    parameters = Options().parameters(5)
    assert parameters["exclusive"] is True
    assert parameters["additional_parameters"]["mem"] == "0"


def test_a_job_that_shares_its_node_has_the_memory_that_it_asks_for() -> None:
    options, _ = read(["--shared", "--slurm", "mem=16G", "--slurm=--reservation=mine"])
    assert options is not None
    parameters = options.parameters(5)
    assert parameters["exclusive"] is None
    more = parameters["additional_parameters"]
    assert (more["mem"], more["reservation"]) == ("16G", "mine")


def test_the_time_of_a_job_is_that_of_its_plan_unless_the_options_say() -> None:
    assert Options().parameters(5)["time"] == 5
    assert Options(time="1-0").parameters(5)["time"] == "1-0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gers", "gpu:1"], r"--gers: .*did you mean '--gres'"),
        (["--gres"], "expected one argument"),
        (["--slurm", "gres=gpu:1"], "type --gres gpu:1"),
        (["--slurm", "exclusive"], "--shared"),
        (["--slurm", "nodes=2"], "the sweep sets this itself"),
        (["--slurm", "=2"], "expected KEY=VALUE"),
    ],
)
def test_a_wrong_option_says_what_to_type(arguments: list[str], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read(arguments)


def test_a_sweep_that_is_resumed_keeps_its_options(tmp_path: Path) -> None:
    given = Options(gres="gpu:1", exclusive=False, more={"mem": "16G"})
    assert kept(tmp_path, given) == given
    assert kept(tmp_path, None) == given
    assert kept(tmp_path / "another", None) == Options()


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "sbatch: error: invalid partition specified: mian\n"
            "sbatch: error: Batch job submission failed: Invalid partition name specified",
            r"it has no partition 'mian' \(did you mean 'main'\?\)$",
        ),
        (
            "sbatch: error: Batch job submission failed: "
            "Requested node configuration is not available",
            r"Requested node configuration is not available \(`sinfo .*--gres",
        ),
        (
            "sbatch: error: Invalid generic resource (gres) specification",
            r"Invalid generic resource \(gres\) specification \(`sinfo .*--gres",
        ),
        (
            "sbatch: error: Batch job submission failed: Invalid feature specification",
            r"Invalid feature specification \(`sinfo .*--constraint",
        ),
        (
            "sbatch: unrecognized option '--foo=bar'\nTry \"sbatch --help\" for more information",
            r"unrecognized option '--foo=bar' \(`sbatch --help` lists what --slurm takes\)$",
        ),
        ("sbatch: error: Invalid --mem specification", "Invalid --mem specification$"),
        ("", "it does not say why$"),
    ],
)
def test_a_refusal_is_a_mistake_in_the_options(said: str, told: str) -> None:
    error = refusal(said, ["main", "long"])
    assert isinstance(error, SpecError)
    with pytest.raises(SpecError, match=f"^Slurm refuses the job: {told}"):
        raise error


def test_a_controller_that_is_away_is_no_mistake_in_the_options() -> None:
    said = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (x)"
    assert isinstance(refusal(said), EngineError)
