"""What an argument means: a path, ``last``, a piece of a name, and what there is instead."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlbench as mb
from mlbench.cli.find import find_source, located
from mlbench.errors import NotARunError
from mlbench.spec import Benchmark, Request
from mlbench.store.kind import PLAN, STUDY
from mlbench.store.layout import REQUEST, write_json

pytestmark = pytest.mark.unit


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs, a study and a sweep, by the files that they begin with."""
    monkeypatch.chdir(tmp_path)
    for name, file in (
        ("20260102-030405-rag-1a2b", REQUEST),
        ("20260102-030406-rag-3c4d", REQUEST),
        ("20260103-000000-pair-5e6f", STUDY),
        ("20260101-000000-rates-7a8b", PLAN),
    ):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / file).write_text("{}")
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("last", "20260103-000000-pair-5e6f"),
        ("5e6f", "20260103-000000-pair-5e6f"),
        ("rates", "20260101-000000-rates-7a8b"),
        ("rag-3c", "20260102-030406-rag-3c4d"),
        ("runs/last", "20260103-000000-pair-5e6f"),
        ("20260102-030405-rag-1a2b", "20260102-030405-rag-1a2b"),
    ],
)
def test_a_piece_of_a_name_that_no_other_has_finds_it(runs, argument, name):
    assert located(argument).resolve() == runs / name


def test_what_stands_inside_may_follow(runs):
    inside = runs / "20260103-000000-pair-5e6f" / "blocks" / "000" / "together-0"
    inside.mkdir(parents=True)

    assert located("5e6f/blocks/000/together-0").resolve() == inside


def test_a_piece_of_several_names_lists_them_newest_first(runs):
    with pytest.raises(NotARunError) as raised:
        located("rag")

    assert str(raised.value).splitlines()[1:] == [
        "20260102-030406-rag-3c4d",
        "20260102-030405-rag-1a2b",
    ]


def test_an_unknown_name_says_what_lists_them(runs):
    with pytest.raises(NotARunError, match=r"there is no run nope in runs \(known: "):
        located("nope")


@pytest.mark.parametrize("argument", ["last", "1a2b"])
def test_without_a_directory_of_runs_that_is_said(tmp_path, monkeypatch, argument):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotARunError, match=f"there is no run {argument}, and no directory runs"):
        located(argument)


def test_a_spec_a_plan_and_a_folder_say_what_to_type(cli, runs):
    Path("spec.yml").write_text("pipelines: {}\n")
    Path("plan.yml").write_text("spec: spec.yml\n")
    Path("other.txt").write_text("- no\n")

    for argument, told in (
        ("spec.yml", "spec.yml is a spec: `mlbench run spec.yml` executes it"),
        ("plan.yml", "plan.yml is the plan of a sweep: `mlbench sweep plan.yml` executes it"),
        ("other.txt", "other.txt is a file, and a run is a directory"),
        ("runs", "`mlbench show runs/last` shows the newest"),
    ):
        result = cli("show", argument)
        assert result.exit_code == 2
        assert told in result.stderr


@pytest.mark.parametrize("command", [("figures",), ("report",), ("export", "--to", "csv")])
def test_a_sweep_says_what_draws_all_its_points(cli, runs, command):
    result = cli(*command, "rates")

    assert result.exit_code == 2
    assert "is a sweep, and this command " in result.stderr
    assert "mb.figures.sweep(mb.sweep_results('runs/20260101-000000-rates-7a8b')" in result.stderr


def test_a_run_is_opened_by_the_end_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "20260102-030405-b-1a2b"
    path.mkdir(parents=True)
    write_json(path / REQUEST, Request(bench=Benchmark(name="b")).complete())

    assert find_source("1a2b", "draws").id == path.name


def test_a_study_or_a_sweep_in_place_of_a_run_names_what_opens_it(runs):
    with pytest.raises(NotARunError, match=r"is a study: mb\.open_study\("):
        mb.open_run(located("5e6f"))
    with pytest.raises(NotARunError, match=r"is a sweep: mb\.open_sweep\(.* mb\.sweep_results\("):
        mb.open_run(located("7a8b"))
