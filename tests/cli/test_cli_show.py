"""``mlbench show``: one page of a run, whatever state it is in."""

from __future__ import annotations

import json
import shutil

import pytest

from mlbench.cli.failed_queries import failure_rows

UNITS = {"µs", "ms", "s"}


def test_a_run_is_shown_with_verdict_tables_and_outputs(cli, done):
    result = cli("show", done.path)

    assert result.exit_code == 0
    for text in ("VALID", "achieved", "lateness", "p99", "closed 1", "data", "query 0 ▸ step: "):
        assert text in result.stdout
    assert "INVALID" not in result.stdout


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_the_page_fits_the_terminal(cli, done, columns):
    lines = cli("show", done.path, columns=columns).stdout.splitlines()

    assert max(len(line) for line in lines) <= columns


def test_names_are_data_and_no_markup(cli, done):
    text = cli("show", done.path).stdout

    assert "[red]x" in text
    assert "two [bold]y  done" in text


def test_a_null_is_a_dash_and_each_reason_stands_once_below(cli, done):
    text = cli("show", done.path).stdout

    assert "-¹" in text
    assert text.count("p99 needs 662 queries") == 1


def test_the_time_of_a_run_is_told_by_phase(cli, done, tmp_path):
    path = shutil.copytree(done.path, tmp_path / "run")
    manifest = json.loads((path / "run.json").read_text())
    manifest["phases"][0]["start_ns"] -= 3 * 10**9
    (path / "run.json").write_text(json.dumps(manifest))
    page = cli("show", path, columns=140).stdout
    (line,) = (line for line in page.splitlines() if line.startswith("when"))

    assert ": setup 3" in line


def test_the_page_names_its_convention(cli, done):
    text = " ".join(cli("show", done.path).stdout.split())

    assert "inverted_cdf over queries due in the load phase; failed queries count as inf" in text


def test_failed_queries_are_counted(cli, done):
    row = next(x for x in cli("show", done.path).stdout.splitlines() if x.startswith("flaky "))

    assert row.split()[-2:] == ["40", "10"]


def test_a_pipeline_that_died_shows_its_reason_and_the_end_of_its_log(cli, crashed):
    text = " ".join(cli("show", crashed.path).stdout.split())

    assert "INVALID" in text
    assert "failed: its worker ended: killed by SIGKILL" in text
    assert "synthetic.crash ends its process at query 3" in text


def test_json_is_the_summary(cli, done):
    result = cli("show", done.path, "--json")

    document = json.loads(result.stdout)
    assert document == json.loads(json.dumps(done.summary()))
    assert document["run"] == done.id


def test_a_run_that_goes_on_says_so(cli, going):
    result = cli("show", going.path)

    assert result.exit_code == 0
    assert "still going" in result.stdout
    assert "NOT FINAL" in result.stdout


def test_an_id_is_looked_for_in_runs(cli, done, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(done.path, tmp_path / "runs" / "the-run")

    assert cli("show", "the-run").exit_code == 0
    assert "did you mean 'the-run'?" in cli("show", "the-rum").stderr


def test_a_directory_without_a_run_is_bad_input(cli, tmp_path):
    result = cli("show", tmp_path)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "holds no run" in result.stderr


def test_a_log_with_control_characters_cannot_touch_the_terminal(cli, crashed, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(crashed.path, copy)
    (copy / "pipelines" / "dies" / "stderr.log").write_bytes(b"\x1b]0;title\x07\x1b[2Jgone\n")

    text = cli("show", copy).stdout

    assert "\x1b" not in text
    assert "gone" in text


def test_where_more_than_one_in_a_hundred_queries_failed_a_line_above_the_tables_says_so(cli, done):
    lines = cli("show", done.path).stdout.splitlines()

    (told,) = (line for line in lines if "queries of flaky failed" in line)
    assert told.startswith("10 of 40 queries of flaky failed (25.0%)")
    assert lines.index(told) < next(i for i, line in enumerate(lines) if "offered" in line)


def test_errors_are_a_table_with_the_most_frequent_first(cli, done):
    text = cli("show", done.path, columns=120).stdout

    lines = [line.split() for line in text.splitlines()]
    above = next(i for i, words in enumerate(lines) if words[:2] == ["failed", "outcome"])
    assert lines[above + 2][:3] == ["1", "failed", "3"]
    assert ["and", "5", "more", "kinds,", "5", "queries"] in lines, "each names its own item"


def failures_of(counts):
    told = [
        {"error": f"E{i}", "outcome": "failed", "count": count, "first_query": i}
        for i, count in enumerate(counts)
    ]
    return {"failures": told, "outcomes": {"failed": 100, "timed_out": 0}}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("counts", "told"),
    [((60, 39), "and 1 more kind, 1 queries"), ((60, 20), "and 9 more kinds, 20 queries")],
)
def test_errors_that_are_not_shown_are_counted(counts, told):
    *_, last = failure_rows(failures_of(counts), lambda: 3 if counts[1] == 39 else 11)

    assert str(last) == told


@pytest.mark.unit
def test_errors_of_which_all_are_shown_need_no_count():
    (table,) = failure_rows(failures_of((60, 40)), lambda: pytest.fail("read again"))

    assert table.row_count == 2


@pytest.mark.parametrize("columns", [80, 140])
def test_every_time_has_its_mean_and_a_table_has_one_unit(cli, done, columns):
    lines = cli("show", done.path, columns=columns).stdout.splitlines()

    above = next(i for i, line in enumerate(lines) if "lateness  queueing" in line)
    header = " ".join(lines[above : above + 2])
    assert header.count("mean") == 3
    assert len({word for word in header.replace(")", "").split() if word in UNITS}) == 1
