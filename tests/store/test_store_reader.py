"""Reading a run directory: what it must refuse, what it must derive, what it never does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import mlbench
from mlbench.errors import EngineError, NotARunError
from mlbench.records import DISPATCH
from mlbench.run import Run, open_run
from mlbench.store.process import is_running, process_identity
from mlbench.store.stream import read_table, schema_of

MODULE = """
from mlbench import stage
print("imported")
@stage
def twice(number: int) -> int:
    return 2 * number
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose stage stands in a module that no reader can find."""
    home = tmp_path_factory.mktemp("home")
    (home / "only_there.py").write_text(MODULE)
    bench = mlbench.Benchmark(
        name="reader",
        stop={"queries": 5},
        pipelines={
            "a": {
                "data": {"uses": "synthetic.items", "with": {"n": 5}},
                "load": {"constant": {"rate": 100}},
                "stages": {"s": {"uses": "only_there:twice"}},
            }
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        return mlbench.start(bench, out=home / "runs").wait(60).path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A copy to do harm to."""
    return shutil.copytree(made, tmp_path / "run")


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit a JSON file in place."""
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def test_reading_imports_nothing_of_what_was_measured(made: Path) -> None:
    script = (
        "import sys, mlbench\n"
        "run = mlbench.open_run(sys.argv[1])\n"
        "assert run.summary()['pipelines']['a']['outcomes']['done'] == 5\n"
        "assert sorted(run.outputs()['output']) == [0, 2, 4, 6, 8]\n"
        "run.queries(), run.spans(), run.events(), run.tail(), run.manifest, run.bench\n"
        "never = ('only_there', 'torch', 'mlbench.engine', 'mlbench.stages')\n"
        "assert not [name for name in never if name in sys.modules]\n"
    )
    command = [sys.executable, "-c", script, str(made)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- links -------------------------------------------------------------------------------


def test_a_stream_that_is_a_link_is_empty(path: Path, made: Path) -> None:
    stream = path / "pipelines/a/completions.arrow"
    stream.unlink()
    stream.symlink_to(made / "pipelines/a/completions.arrow")
    assert set(open_run(path).queries()["outcome"]) == {"lost"}


@pytest.mark.parametrize("folder", ["pipelines", "pipelines/a"])
def test_a_folder_that_is_a_link_is_refused(path: Path, made: Path, folder: str) -> None:
    shutil.rmtree(path / folder)
    (path / folder).symlink_to(made / folder)
    run = open_run(path)
    for read in (run.queries, run.spans, run.outputs, run.tail, run.summary):
        with pytest.raises(NotARunError, match="is a link"):
            read()


@pytest.mark.parametrize("name", ["spec.json", "run.json"])
def test_a_json_file_that_is_a_link_is_not_read(path: Path, made: Path, name: str) -> None:
    (path / name).unlink()
    (path / name).symlink_to(made / name)
    if name == "spec.json":
        with pytest.raises(NotARunError):
            open_run(path)
    else:
        assert open_run(path).manifest["pipelines"] == {}


def test_a_run_whose_engine_ended_before_it_wrote_anything_is_aborted(path: Path) -> None:
    (path / "run.json").unlink()
    run = open_run(path)
    assert (run.status, run.is_going) == ("aborted", False)
    with pytest.raises(EngineError, match="the engine did not start"):
        run.wait(1)


def test_a_run_whose_engine_lives_and_has_written_nothing_yet_is_starting(path: Path) -> None:
    (path / "run.json").unlink()
    request = json.loads((path / "spec.json").read_text())
    request["engine"] = process_identity(os.getpid())
    (path / "spec.json").write_text(json.dumps(request))
    assert open_run(path).status == "starting"
    with pytest.raises(TimeoutError):
        open_run(path).wait(0.01)


@pytest.mark.parametrize("name", ["outputs.jsonl", "engine.log"])
def test_a_text_that_is_a_link_is_empty(path: Path, name: str) -> None:
    secret = path.parent / "secret"
    secret.write_text('{"output": "a secret"}\n')
    file = path / name if name == "engine.log" else path / "pipelines/a" / name
    file.unlink()
    file.symlink_to(secret)
    run = open_run(path)
    assert run.engine_log() == "" if name == "engine.log" else run.outputs().empty


@pytest.mark.parametrize("name", ["run.json", "dispatch.arrow", "pipelines/a/outputs.jsonl"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(path: Path, name: str) -> None:
    (path / name).unlink()
    os.mkfifo(path / name)
    run = open_run(path)
    run.summary()
    run.outputs()
    run.tail()


def test_a_run_may_itself_be_reached_by_a_link(path: Path) -> None:
    link = path.parent / "latest"
    link.symlink_to(path)
    assert len(open_run(link).queries()) == 5
    assert open_run(link).id == "run"


@pytest.mark.parametrize("folder", ["../../elsewhere", "/etc", "a/../../..", ""])
def test_a_manifest_cannot_lead_out_of_the_run(path: Path, folder: str) -> None:
    change(path / "run.json", lambda data: data["pipelines"]["a"].update(folder=folder))
    with pytest.raises(NotARunError, match="folder"):
        open_run(path).queries()


# -- what is damaged ---------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["completions", "spans", "events"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense", bytes(64)])
def test_a_stream_that_is_gone_or_foreign_takes_no_other_with_it(
    path: Path, stream: str, content: bytes | None
) -> None:
    file = path / f"pipelines/a/{stream}.arrow"
    file.unlink() if content is None else file.write_bytes(content)
    run = open_run(path)
    assert len(run.queries()) == 5
    run.summary()
    run.spans()
    run.events()


def test_a_torn_line_of_outputs_is_left_out(path: Path) -> None:
    file = path / "pipelines/a/outputs.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    assert len(open_run(path).outputs()) == 4


def test_a_line_that_is_no_row_is_passed_over(path: Path) -> None:
    file = path / "pipelines/a/outputs.jsonl"
    file.write_bytes(b"[]\nnull\n{broken\n\xff\n" + file.read_bytes())
    assert len(open_run(path).outputs()) == 5


def test_a_later_format_says_what_to_type(path: Path) -> None:
    change(path / "spec.json", lambda data: data.update(format=99))
    with pytest.raises(NotARunError, match="pip install --upgrade mlbench"):
        open_run(path)


def test_a_damaged_spec_says_where_and_what(path: Path) -> None:
    def cut(data: dict[str, Any]) -> None:
        data["bench"]["pipelines"]["a"]["stages"]["s"]["to"] = []

    change(path / "spec.json", cut)
    message = r"spec\.json: bench\.pipelines\.a\.stages\.s\.to: expected at least one successor"
    with pytest.raises(NotARunError, match=message):
        open_run(path)


def test_a_folder_without_a_spec_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match="holds no run"):
        open_run(tmp_path)
    with pytest.raises(NotARunError, match="holds no run"):
        open_run(tmp_path / "missing")


# -- aborted is derived ------------------------------------------------------------------


def claims(path: Path, **engine: object) -> Run:
    """The run, claiming that it goes on in some process."""

    def edit(data: dict[str, Any]) -> None:
        data["status"] = "load"
        data["engine"].update(engine)

    change(path / "run.json", edit)
    return open_run(path)


def test_a_run_goes_on_as_long_as_its_engine_lives(path: Path) -> None:
    run = claims(path, **process_identity(os.getpid()))
    assert run.status == "load"
    assert run.is_going


def test_a_run_whose_engine_is_gone_was_aborted(path: Path) -> None:
    run = claims(path)
    assert run.status == "aborted"
    assert not run.is_going
    assert run.manifest["reasons"] == ["the engine ended before the run did"]
    assert json.loads((path / "run.json").read_text())["status"] == "load"


@pytest.mark.parametrize("other", [{"start_ticks": 1}, {"boot_id": "another"}])
def test_another_process_with_its_number_is_not_its_engine(
    path: Path, other: dict[str, object]
) -> None:
    assert claims(path, **{**process_identity(os.getpid()), **other}).status == "aborted"


def test_a_process_that_waits_to_be_reaped_is_gone() -> None:
    child = subprocess.Popen(["/bin/sleep", "600"])
    identity = process_identity(child.pid)
    assert is_running(identity) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_running(identity) is False
    child.wait()


def test_an_output_that_is_too_long_to_read_does_not_hide_those_behind_it(path: Path) -> None:
    file = path / "pipelines/a/outputs.jsonl"
    first, *_ = file.read_text().splitlines()
    row = {**json.loads(first), "query": 99}
    long = '{"output": "' + "x" * (3 << 20) + '"}'
    file.write_text(f"{first}\n{long}\n{json.dumps(row)}\n")
    assert open_run(path).outputs()["query"].tolist()[-1] == 99


def test_a_process_of_another_machine_is_neither_alive_nor_gone() -> None:
    here = process_identity(os.getpid())
    assert is_running(here) is True
    assert is_running({**here, "boot_id": "before"}) is False
    assert is_running({**here, "boot_id": "of-another", "host": "another-node"}) is None


def test_a_compressed_batch_is_not_unpacked(path: Path) -> None:
    file = path / "dispatch.arrow"
    schema = schema_of(DISPATCH)
    zeros = pa.table({name: pa.array(np.zeros(1_000_000, np.int64)) for name in schema.names})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(file, schema, options=options) as stream:
        stream.write_table(zeros.cast(schema))
    assert file.stat().st_size < 1 << 20
    assert len(read_table(file, DISPATCH)) == 0
