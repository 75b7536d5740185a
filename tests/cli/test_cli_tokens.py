"""What stages record beside their spans, as people see it: tokens, values, notes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlbench.cli.bars import Bars
from mlbench.cli.page import Page
from mlbench.cli.progress import Lines, Moment
from mlbench.cli.stderr import last_note
from mlbench.interfaces.stage import Context, Stage
from mlbench.records import FIRST_TOKEN, TOKEN
from mlbench.run import Run, start
from mlbench.spec import Benchmark


class Teller(Stage):
    """Makes three tokens for each query, and a loss that falls."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[int], int]]:
        def tell(number: int) -> int:
            for name in (FIRST_TOKEN, TOKEN, TOKEN):
                context.event(name, 1)
            context.event("loss", 100 - number)
            return number

        yield tell


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = {"uses": "synthetic.items", "order": "sequential"}
    pipelines = {
        "writer": {"data": data, "stages": {"tell": {"uses": Teller}}, "stop": {"queries": 40}},
        "mute": {"data": data, "stages": {"a": {"uses": "synthetic.noop"}}, "stop": {"queries": 1}},
    }
    bench = Benchmark.model_validate({"name": "told", "pipelines": pipelines})
    return start(bench, tmp_path_factory.mktemp("runs")).wait(60)


def test_tokens_have_a_table_of_their_own(cli, told):
    text = cli("show", told.path, columns=120).stdout

    head, titles, _, row = text[text.index("tokens  first token") :].splitlines()[:4]
    assert head.split("  ")[0] == "tokens"
    assert "each further token" in head
    assert titles.split()[:3] == ["pipeline", "tokens", "/s"]
    assert row.split()[:2] == ["writer", "120"]


def test_a_run_without_tokens_has_no_such_table(cli, done):
    assert "first token" not in cli("show", done.path).stdout


def test_values_are_shown_as_they_began_and_ended(cli, told):
    text = cli("show", told.path).stdout

    assert "loss: mean 95.5 in the first quarter of 40, 65.5 in the last" in text


def moment(**notes: str) -> Moment:
    now = time.monotonic_ns()
    entry = {"status": "waiting", "reason": None, "load": {"end_ns": None}}
    phases = [{"name": "setup", "start_ns": now}]
    manifest = {"status": "setup", "phases": phases, "pipelines": {"a": entry}}
    return Moment(manifest, {}, {"a": None}, notes=notes)


@pytest.mark.unit
def test_a_terminal_shows_what_a_pipeline_says_that_it_does():
    output = io.StringIO()
    page = Page(file=output, force_terminal=True, width=80, height=40, color_system=None)
    with Bars(page) as bars:
        bars.show(moment(a="converting a model " * 9))

    assert "a: converting a model converting" in output.getvalue()
    assert max(len(line) for line in output.getvalue().splitlines()) < 100


@pytest.mark.unit
def test_a_log_file_gets_each_note_once():
    output = io.StringIO()
    lines = Lines(Page(file=output, width=80))
    for note in ("1 of 2", "1 of 2", "2 of 2"):
        lines.show(moment(a=note))

    assert output.getvalue().splitlines() == ["setup", "a: 1 of 2", "a: 2 of 2"]


@pytest.mark.unit
def test_a_note_is_a_last_line_that_says_so(tmp_path: Path):
    log = tmp_path / "stderr.log"

    assert last_note(tmp_path) is None
    log.write_text("note: old\nsome warning\n")
    assert last_note(tmp_path) is None
    log.write_text("some warning\nnote: text.model: converting\n\n")
    assert last_note(tmp_path) == "text.model: converting"
