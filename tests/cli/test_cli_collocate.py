"""``mlbench collocate``: plan, bad input, a whole study, an interrupt, and going on after it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from mlbench.collocation.studies import begun
from mlbench.spec import load
from mlbench.study.study import open_study

unit = pytest.mark.unit

SPEC = """
name: two [bold]x
limits: {{harness_share: 1, lateness_p99_ms: 1000}}
study: {{seconds: {seconds}, settle: 0, cooldown: 0, repeats: {repeats}, {study}}}
pipelines:
  "[red]a":
    data: {{uses: synthetic.items}}
    load: {load}
    place: {{device: cpu, cpus: [0], threads: 1}}
    stages: {{step: {{uses: {stage}}}}}
  b:
    data: {{uses: synthetic.items}}
    place: {{device: cpu, cpus: [0], threads: 1}}
    stages: {{step: {{uses: synthetic.noop}}}}
"""

ANYHOW = "foreign_share: 1, steal_share: 1, min_blocks: 1, attempts: 1"


@pytest.fixture
def two(spec):
    """A spec of two pipelines with a study that takes the machine as it is."""

    def write(study=ANYHOW, load="closed", stage="synthetic.noop", seconds=0.3, repeats=1):
        text = SPEC.format(study=study, load=load, stage=stage, seconds=seconds, repeats=repeats)
        return spec(text)

    return write


@pytest.fixture
def columns():
    return 140


def only_study(directory: Path):
    (path,) = (directory / "runs").iterdir()
    return open_study(path)


# -- before anything starts --------------------------------------------------------------


@unit
def test_a_plan_shows_the_treatments_and_how_long_they_take(two, cli, tmp_path):
    result = cli("collocate", two(repeats=4), "--plan", "--out", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    assert "alone-[red]a" in result.output
    assert "together" in result.output
    assert "4 blocks, 12 runs of about 3.3 s: 40 s" in result.output
    assert not (tmp_path / "runs").exists()


@unit
def test_options_take_the_place_of_what_the_spec_says(two, cli):
    result = cli("collocate", two(), "--plan", "--repeats", 2, "--design", "aa", "--seconds", 7)
    assert "aa-2-b" in result.output
    assert "2 blocks, 8 runs of about 10 s" in result.output


@unit
def test_placements_are_counted_each(two, cli):
    placements = "placements: {one: {b: {threads: 1}}, two: {}}"
    result = cli("collocate", two(study=placements), "--plan")
    assert "placement one" in result.output
    assert "placement two" in result.output
    assert "1 block of each of 2 placements, 6 runs" in result.output


@unit
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "c"], "study.against.pipeline: no pipeline is called 'c'"),
        (
            ["--set", "study.against={pipeline: b, dial: stages.stp.with.x}"],
            "study.against.dial: no stage is called 'stp'",
        ),
        (["--set", "study.placements.x.c.threads=1"], "study.placements.x.c: is no pipeline"),
        (["--set", "study.repeat=3"], "study.repeat: is not a key here"),
        (["--seconds", "-1"], "study.seconds: expected more than 0"),
    ],
)
def test_bad_input_exits_with_2_and_starts_nothing(two, cli, tmp_path, arguments, message):
    result = cli("collocate", two(), *arguments, "--out", tmp_path / "runs")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "runs").exists()


@unit
def test_a_mistake_has_the_line_of_its_key(two, cli):
    path = two(study="against: c")
    result = cli("collocate", path)
    assert result.exit_code == 2
    assert f"{path}:4:" in result.output


@unit
@pytest.mark.parametrize("arguments", [[], ["spec.yml", "--resume", "runs/x"]])
def test_it_needs_a_spec_or_a_study(cli, arguments):
    result = cli("collocate", *arguments)
    assert result.exit_code == 2
    assert "name a SPEC, or a study with --resume" in result.output


@unit
def test_a_study_that_is_resumed_keeps_its_spec(cli):
    result = cli("collocate", "--resume", "x", "--seconds", 3)
    assert result.exit_code == 2
    assert "keeps its spec" in result.output


@unit
def test_a_study_that_is_not_there_is_told(cli, tmp_path):
    result = cli("collocate", "--resume", tmp_path)
    assert result.exit_code == 2
    assert "holds no study" in result.output


@unit
def test_a_plain_run_of_a_share_of_the_capacity_says_what_to_type(two, cli, tmp_path):
    result = cli("run", two(load="{poisson: {utilisation: 0.5}}"), "--out", tmp_path / "runs")
    assert result.exit_code == 2
    assert "mlbench collocate" in result.output
    assert cli("collocate", two(load="{poisson: {utilisation: 0.5}}"), "--plan").exit_code == 0


@unit
def test_a_plan_shows_where_each_pipeline_runs_and_who_shares_it(two, cli):
    output = cli("collocate", two(), "--plan").output
    assert "processor 0 (shared with b), 1 thread" in output
    assert "processor 0 (shared with [red]a), 1 thread" in output
    assert "measured from processor" in output


@unit
def test_a_plan_says_what_a_window_has_too_few_queries_for(two, cli):
    output = cli("collocate", two(load="{constant: {rate: 20}}", seconds=1), "--plan").output
    told = " ".join(output.split())
    assert "[red]a: about 20 queries in a window, and p90 needs 64 (study: {seconds: 4})" in told
    assert "and p99 needs 662 (study: {seconds: 34})" in told
    assert "b: about" not in told


@unit
def test_the_plan_of_a_resumed_study_shows_what_is_left_and_touches_nothing(two, cli, tmp_path):
    bench = load(two(repeats=2))
    (ledger,) = begun(bench, tmp_path / "runs").values()
    entry = ledger.next()
    ledger.note(entry.model_copy(update={"status": "done", "verdict": "VALID"}))
    ledger.close("stopped")
    before = (ledger.path / "study.json").read_bytes()

    result = cli("collocate", "--resume", ledger.path, "--repeats", 3, "--plan")

    assert result.exit_code == 0, result.output
    told = " ".join(result.output.split())
    assert "1 of 9 runs are made: 1 VALID, 0 INVALID; 0 of 3 blocks are whole" in told
    assert "8 runs of about 3.3 s" in told
    assert (ledger.path / "study.json").read_bytes() == before
    assert [path.name for path in ledger.path.iterdir()] == ["study.json"]


# -- a whole study -----------------------------------------------------------------------


def test_a_study_shows_what_slowed_down_and_is_shown_again(two, finished, cli, tmp_path):
    status, output, errors = finished("collocate", two())

    assert status == 0, errors
    study = only_study(tmp_path)
    for word in (
        "two [bold]x",
        "VALID",
        "1 valid of 1",
        "throughput",
        "STP",
        "stage of",
        "mean, ×",
        "p99, ×",
        "what stands under ×",
    ):
        assert word in output
    assert errors.splitlines()[0] == f"runs/{study.id}"
    assert any(line.startswith("  block 1 of 1: together  VALID") for line in errors.splitlines())
    again = cli("show", study.path, columns=140)
    assert again.exit_code == 0
    assert again.output.partition("\nVALID")[2] == output.partition("\nVALID")[2] != ""
    listed = cli("runs", study.path.parent, "--json")
    assert json.loads(listed.output)["runs"][0]["status"] == "done"


def test_json_is_alone_on_standard_output_and_too_few_blocks_exit_with_3(two, finished):
    study = ANYHOW.replace("min_blocks: 1", "min_blocks: 3")
    status, output, _ = finished("collocate", two(study=study), "--design", "aa", "--json")

    document = json.loads(output)
    assert status == 3
    assert document["verdict"] == "INVALID"
    assert "fewer than 3" in document["reasons"][0]


def test_a_pipeline_of_which_all_fails_even_alone_ends_the_study(two, finished, tmp_path):
    path = two(stage="synthetic.fail, with: {every: 1}", study=f"{ANYHOW}, design: aa", repeats=5)
    status, output, errors = finished("collocate", path)

    assert status == 1, errors
    study = only_study(tmp_path)
    ended = [run for run in study.manifest.runs if run.verdict is not None]
    failed = next(run for run in ended if "[red]a" in run.treatment)
    assert ended[-1] == failed
    assert f"mlbench show runs/{study.id}/{failed.directory}" in errors
    assert "completes nothing even alone" in output
    assert "STP" not in output


def test_a_study_that_lost_blocks_says_at_once_and_at_the_end_what_it_takes(
    two, finished, tmp_path
):
    path = two(
        load="{constant: {rate: 50}}", study=ANYHOW.replace("min_blocks: 1", "min_blocks: 2")
    )
    everywhere = f"pipelines.b.place.cpus={sorted(os.sched_getaffinity(0))}"  # the harness, too
    crowded = ("--set", "limits.harness_share=0", "--set", everywhere, "--repeats", 2)
    status, _, errors = finished("collocate", path, *crowded)

    assert status == 3, errors
    lines, place = errors.splitlines(), f"runs/{only_study(tmp_path).id}"
    remark = next(line for line in lines if "VALID is out of reach with 2 blocks: 1 lost" in line)
    assert f"--resume {place} --repeats 5" in remark
    assert lines.index(remark) < len(lines) - 4
    assert any(line.endswith(f"mlbench collocate --resume {place} --repeats 10") for line in lines)


def test_a_pipeline_that_fails_in_every_attempt_exits_with_1(two, finished, tmp_path):
    path = two(stage="synthetic.crash, with: {at: 3}", study=f"{ANYHOW}, design: aa")
    status, output, errors = finished("collocate", path)

    assert status == 1, errors
    assert "killed by SIGKILL" in errors
    assert "failed" in output
    assert only_study(tmp_path).status == "done"


def test_an_interrupt_leaves_a_study_that_goes_on(two, started, finished, tmp_path):
    process = started("collocate", two(seconds=60, repeats=2), "--design", "aa", "--json")
    for line in process.stderr:
        if line.startswith("block 1 of 2"):
            break
    run_under_load(tmp_path)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    study = only_study(tmp_path)
    assert "stopping; press Ctrl-C again to kill" in errors
    assert f"interrupted; go on with: mlbench collocate --resume runs/{study.id}" in errors
    assert json.loads(output)["status"] == "stopped"

    shorten(study.path)
    status, output, errors = finished("collocate", "--resume", study.path, "--json")
    assert status == 0, errors
    assert json.loads(output)["blocks"]["valid"] == 2


def test_an_interrupt_at_the_very_beginning_is_not_lost(two, started, finished, tmp_path):
    process = started("collocate", two(seconds=0.3), "--design", "aa", "--json")
    while not list(tmp_path.glob("runs/*/study.json")):
        continue
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    study = only_study(tmp_path)
    assert study.status == json.loads(output)["status"] == "stopped"
    assert errors.splitlines()[-1] == (
        f"interrupted; go on with: mlbench collocate --resume runs/{study.id}"
    )
    assert finished("collocate", "--resume", study.path, "--json")[0] == 0


def run_under_load(tmp_path: Path) -> None:
    """Wait until a run of the study is under load."""
    while not any(
        json.loads(path.read_text())["status"] == "load"
        for path in tmp_path.glob("runs/*/blocks/*/*/run.json")
    ):
        continue


def shorten(study: Path) -> None:
    """Let what is still to be made take no minute."""
    data = json.loads((study / "study.json").read_text())
    data["window"]["seconds"] = 0.3
    (study / "study.json").write_text(json.dumps(data))
