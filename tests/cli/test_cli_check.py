"""``mlbench check``: every mistake in one line each, or a picture."""

from __future__ import annotations

import json
import os

import pytest

from mlbench.check.hardware import ranges

pytestmark = pytest.mark.unit

RAG = """
name: rag
stop: {min_seconds: 2, min_queries: 30}
pipelines:
  rag:
    data: {uses: synthetic.items, items_per_query: 2}
    load: {poisson: {rate: 20}}
    place: {cpus: [0], priority: best_effort}
    stages:
      retrieve: {uses: synthetic.noop, to: grade}
      grade:
        uses: synthetic.route
        with: {weights: {good: 1, bad: 1}}
        to: {good: generate, bad: rewrite}
      rewrite: {uses: synthetic.noop, to: retrieve, max_visits: 2, then: generate}
      generate: {uses: synthetic.noop}
"""


def test_a_spec_that_can_run_is_drawn_with_its_load_place_and_edges(cli, spec):
    result = cli("check", spec(RAG))

    assert result.exit_code == 0
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    left = os.sched_getaffinity(0) - {0}
    shown = f"processor{'s' * (len(left) > 1)} {ranges(frozenset(left))}"
    harness = shown if left else "processor 0 (shared with rag)"
    assert lines == [
        "ok  rag",
        f"measured from {harness}",
        "",
        "rag",
        "  load   poisson 20/s, until 2 s and 30 queries",
        "  place  cpu, processor 0, 1 thread, priority best_effort",
        "  runs   serial, 1 warm-up query",
        "",
        "    data  synthetic.items  shuffled  2 items a query",
        "    │",
        "    retrieve  synthetic.noop",
        "    │",
        "    grade  synthetic.route  to one of",
        "    ├─ good ▸ generate  synthetic.noop",
        "    └─ bad ▸ rewrite  synthetic.noop  2 visits, then generate",
        "       │",
        "       ↺ retrieve",
    ]


def test_a_stage_where_branches_meet_is_drawn_once(cli, spec):
    text = """
name: diamond
pipelines:
  p:
    data: {uses: synthetic.items}
    stages:
      a: {uses: synthetic.noop, to: [b, c]}
      b: {uses: synthetic.noop, to: d}
      c: {uses: synthetic.noop, to: d}
      d: {uses: synthetic.noop, join: [b, c]}
"""
    lines = cli("check", spec(text)).stdout.splitlines()

    assert sum("d  synthetic.noop  joins b, c" in line for line in lines) == 1
    assert any(line.rstrip().endswith("d  drawn above") for line in lines)


def test_all_problems_are_told_in_the_order_of_the_file(cli, spec):
    path = spec(RAG.replace("synthetic.items", "synthetic.itms").replace("poisson", "poison"))

    result = cli("check", path)

    assert result.exit_code == 2
    assert result.stdout == ""
    first, second, count = result.stderr.splitlines()
    assert first.startswith(f"{path}:6:12: pipelines.rag.data.uses: 'synthetic.itms' is no ")
    assert first.endswith("(did you mean 'synthetic.items'?)")
    assert second.startswith(f"{path}:7:12: pipelines.rag.load.poison: ")
    assert count == "2 problems"


def test_json_says_ok(cli, spec):
    result = cli("check", spec(RAG), "--json")

    assert json.loads(result.stdout) == {"ok": True, "problems": [], "notes": []}
    assert result.exit_code == 0


def test_json_says_where_each_problem_is(cli, spec):
    path = spec(RAG.replace("stop:", "stopp:"))

    result = cli("check", path, "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "ok": False,
        "notes": [],
        "problems": [
            {
                "file": str(path),
                "line": 3,
                "column": 1,
                "key": "stopp",
                "message": "is not a key here",
                "hint": "did you mean 'stop'?",
            }
        ],
    }


def test_set_overrides_a_field(cli, spec):
    result = cli("check", spec(RAG), "--set", "pipelines.rag.load.poisson.rate=7")

    assert "poisson 7/s" in result.stdout


def test_a_set_without_a_value_is_bad_input(cli, spec):
    result = cli("check", spec(RAG), "--set", "seed")

    assert result.exit_code == 2
    assert "expected path=value" in result.stderr


def test_a_file_that_is_not_there_is_bad_input(cli, tmp_path):
    result = cli("check", tmp_path / "none.yml")

    assert result.exit_code == 2
    assert "cannot be read: No such file" in result.stderr


def test_names_are_data_and_no_markup(cli, spec):
    text = RAG.replace("  rag:", '  "[red]x[bold]":').replace("generate", '"[link]g"')

    result = cli("check", spec(text))

    assert "[red]x[bold]" in result.stdout
    assert "good ▸ [link]g" in result.stdout


SHARE = "poisson: {utilisation: 0.7}"


def test_a_share_of_the_capacity_is_drawn_with_what_takes_it(cli, spec):
    result = cli("check", spec(RAG.replace("poisson: {rate: 20}", SHARE)))

    assert result.exit_code == 0
    assert "poisson 70% of capacity" in result.stdout
    assert "mlbench run needs a rate" in " ".join(result.stdout.split())


@pytest.mark.parametrize("share", ["20", "half"])
def test_a_share_that_is_none_has_its_line(share, cli, spec):
    path = spec(RAG.replace("poisson: {rate: 20}", SHARE.replace("0.7", share)))

    result = cli("check", path)

    assert result.exit_code == 2
    assert f"{path}:" in result.stderr
    assert "utilisation: expected" in result.stderr
