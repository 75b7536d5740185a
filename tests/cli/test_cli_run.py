"""``mlbench run`` as a process: its exit status, its streams, and what a signal does to it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mlbench import open_run
from mlbench.cli import main

SPEC = """
name: small
stop: {stop}
limits: {{harness_share: 1, lateness_p99_ms: 1000}}
pipelines:
  "[red]x":
    data: {{uses: synthetic.items}}
    stages:
      "[bold]step": {{uses: {stage}}}
"""


@pytest.fixture
def small(spec):
    """A spec with one pipeline and one stage."""

    def write(stage="synthetic.noop", stop="{queries: 20}"):
        return spec(SPEC.format(stage=stage, stop=stop))

    return write


def only_run(directory: Path):
    (path,) = (directory / "runs").iterdir()
    return open_run(path)


def until_load(process):
    """Read the progress up to the line that says that the load has begun."""
    for line in process.stderr:
        if line == "load\n":
            return
    raise AssertionError(process.stdout.read())


def test_a_run_that_is_done_and_valid_exits_with_0(small, finished, tmp_path):
    status, output, errors = finished("run", small())

    assert status == 0, errors
    assert "VALID" in output
    assert "[red]x" in output
    assert "[bold]step" in output
    assert "[red]x: done" in errors.splitlines()
    assert only_run(tmp_path).status == "done"


def test_json_is_alone_on_standard_output(small, finished, tmp_path):
    status, output, _ = finished("run", small(), "--json", "--out", "runs", "--set", "seed=9")

    document = json.loads(output)
    assert status == 0
    assert document["verdict"] == "VALID"
    assert document["run"] == only_run(tmp_path).id
    assert only_run(tmp_path).bench.seed == 9


def test_some_of_the_pipelines_run_alone(small, finished, tmp_path):
    text = small().read_text().replace("[red]x", "a.b")
    path = tmp_path / "two.yml"
    path.write_text(text + text.partition("pipelines:\n")[2].replace("a.b", "other"))

    status, output, errors = finished("run", path, "--only", "other", "--json")

    assert status == 0, errors
    assert list(json.loads(output)["pipelines"]) == ["other"]
    assert "a.b" not in errors


def test_a_pipeline_that_there_is_not_is_bad_input_and_starts_nothing(small, finished, tmp_path):
    status, _, errors = finished("run", small(), "--only", "[red]y")

    assert status == 2
    assert errors.endswith("no pipeline is called '[red]y' (did you mean '[red]x'?)\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_module_beside_the_spec_is_found_from_anywhere(small, finished, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    module = folder / "stage_beside_its_spec.py"
    module.write_text(
        "from mlbench import stage\n\n\n@stage\ndef double(number: int) -> int:\n"
        "    return 2 * number\n"
    )
    path = small('"stage_beside_its_spec:double"').rename(folder / "spec.yml")

    status, _, errors = finished("run", path)

    assert status == 0, errors
    run = only_run(tmp_path)
    assert set(run.outputs()["output"] % 2) == {0}
    source = run.manifest["code"]["stage_beside_its_spec"]
    assert source["file"] == str(module)
    assert len(source["sha256"]) == 16


def test_a_pipeline_that_ends_by_failure_exits_with_1(small, finished):
    status, output, _ = finished("run", small("synthetic.crash, with: {at: 3}"))

    assert status == 1
    assert "killed by SIGKILL" in output


BROKEN = """
from contextlib import contextmanager
import mlbench as mb


class Broken(mb.Stage):
    @contextmanager
    def open(self, context):
        raise mb.MlbenchError("no weights here: mlbench fetch them")
        yield
"""


def test_after_a_failed_setup_the_cause_is_the_first_reason_and_shown_again(
    small, finished, cli, tmp_path
):
    (tmp_path / "stage_that_is_broken.py").write_text(BROKEN)
    path = small("synthetic.noop", "{seconds: 5}")
    spec = path.read_text()
    other = spec.partition("pipelines:\n")[2]
    stage = '"stage_that_is_broken:Broken"'
    path.write_text(spec + other.replace("[red]x", "broken").replace("synthetic.noop", stage))

    status, output, _ = finished("run", path)

    assert status == 1
    for page in (output, cli("show", only_run(tmp_path).path).stdout):
        told = " ".join(page.partition("INVALID")[2].split())
        assert told.startswith(
            "- broken ended by failure before its load: MlbenchError: no weights here: mlbench "
            "fetch them. So no load began."
        )


def test_bad_input_exits_with_2_and_starts_nothing(small, finished, tmp_path):
    path = small("synthetic.nop")

    status, output, errors = finished("run", path)

    assert (status, output) == (2, "")
    assert errors.startswith(f"{path}:9:22: pipelines.[red]x.stages.[bold]step.uses: ")
    assert "did you mean 'synthetic.noop'?" in errors
    assert not (tmp_path / "runs").exists()


def test_a_plan_is_bad_input_that_names_its_own_command(finished, tmp_path):
    plan = tmp_path / "plan.yml"
    plan.write_text("notebook: train.ipynb\nparameters: {grid: {cpus: [1, 2]}}\n")

    status, _, errors = finished("run", plan)

    assert status == 2
    assert errors == f"{plan}: is the plan of a sweep, not a spec (mlbench sweep {plan})\n"


def test_a_run_that_misses_its_minimum_exits_with_3(small, finished):
    stop = "{min_queries: 100000, max_seconds: 0.3}"

    status, output, _ = finished("run", small("synthetic.sleep, with: {seconds: 0.01}", stop))

    assert status == 3
    assert "INVALID" in output
    assert "its minimum is 100000" in output


def test_an_interrupt_closes_the_run_and_exits_with_130(small, started, tmp_path):
    process = started("run", small(stop="{seconds: 60}"), "--json")
    until_load(process)

    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "press Ctrl-C again to kill" in errors
    assert json.loads(output)["status"] == "stopped"
    assert only_run(tmp_path).status == "stopped"


def test_a_second_interrupt_kills_the_engine(small, started, tmp_path):
    stage = "synthetic.hold, with: {seconds: 30}"  # its worker cannot stop, so the engine waits
    process = started("run", small(stage, "{seconds: 60}").rename(tmp_path / "hold.yml"))
    for line in process.stderr:
        if line == "warm-up\n":
            process.send_signal(signal.SIGINT)
        if line.startswith("stopping"):
            break

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "killed; what it recorded is in " in errors
    assert only_run(tmp_path).status == "aborted"


SLOW = """
import time
from contextlib import contextmanager
import mlbench as mb


class Slow(mb.Stage):
    @contextmanager
    def open(self, context):
        print("note: opening", flush=True)
        time.sleep(60)
        yield lambda number: number
"""


def test_an_interrupt_before_any_query_is_told_in_a_line_and_no_table(small, started, tmp_path):
    (tmp_path / "slow_to_open.py").write_text(SLOW)
    process = started("run", small('"slow_to_open:Slow"'), "--set", "timeouts.grace=0.5")
    for line in process.stderr:
        if line == "setup\n":
            break

    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1].startswith("stopped before any query was sent; its logs are in ")


def test_an_interrupt_while_results_are_read_says_where_the_run_is(
    small, cli, tmp_path, monkeypatch
):
    monkeypatch.setattr("mlbench.cli.run._summary", _interrupted)

    result = cli("run", small(), "--out", tmp_path / "runs")

    assert result.exit_code == 130
    assert f"interrupted; what it recorded is in {only_run(tmp_path).path}" in result.stderr


def _interrupted(*_):
    raise KeyboardInterrupt


def test_an_interrupt_before_the_command_begins_is_a_status_and_no_traceback(monkeypatch):
    monkeypatch.setattr("mlbench.cli._main", _interrupted)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130


def test_output_that_nobody_reads_ends_quietly(small, started):
    process = started("run", small())
    process.stdout.close()

    errors = process.stderr.read()

    assert process.wait() == 141
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_full_disk_behind_the_output_is_no_defect(done, options):
    command = f"{sys.executable} -m mlbench show {done.path} {options} > /dev/full"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "error: cannot write: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_one_that_nobody_reads(done, closed):
    command = f"{sys.executable} -m mlbench show {done.path} {closed}"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_run_goes_to_its_end_without_any_standard_stream(small, tmp_path):
    command = f"{sys.executable} -m mlbench run {small()} <&- >&- 2>&-"
    assert subprocess.run(command, shell=True, cwd=tmp_path, check=False).returncode == 0
    assert only_run(tmp_path).status == "done"


def test_head_takes_the_first_line(done):
    command = f"{sys.executable} -m mlbench show {done.path} | head -1"

    result = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)

    assert result.stdout.startswith("two [bold]y")
    assert result.stderr == ""


@pytest.mark.parametrize("given", [["--help"], ["spec.yml", "--no-such-option"], []])
def test_an_engine_that_was_started_in_vain_is_gone_with_the_command(finished, tmp_path, given):
    _, output, errors = finished("run", *given)
    assert "Usage: mlbench run" in output + errors
    end_s = time.monotonic() + 20  # the guardian is the last
    while at_work_in(tmp_path) and time.monotonic() < end_s:
        time.sleep(0.05)
    assert at_work_in(tmp_path) == []


def at_work_in(directory: Path) -> list[str]:
    """The processes whose present directory it is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is not ours
            if (entry / "cwd").samefile(directory):
                found.append((entry / "comm").read_text())
    return found
