"""Two thousand damaged specs: each opens or gives one clear error, and nothing is executed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from mutate import mutated_text

from mlbench.check import check_file
from mlbench.errors import SpecError

pytestmark = pytest.mark.unit

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yml"))
SPEC = """
name: everything
seed: 7
stop: {seconds: 1}
pipelines:
  rag:
    data: {uses: synthetic.items, with: {n: 4}}
    load: {poisson: {rate: 3}}
    execution: pipelined
    place: {cpus: [0], threads: 1, priority: high}
    entry: retrieve
    stages:
      retrieve: {uses: synthetic.noop, to: [left, right]}
      left: {uses: synthetic.sleep, with: {seconds: 0.1}, to: both}
      right: {uses: synthetic.noop, to: both}
      both: {uses: synthetic.noop, join: [left, right], to: grade}
      grade:
        {uses: synthetic.route, with: {weights: {good: 1, bad: 2}}, to: {good: end, bad: rewrite}}
      rewrite: {uses: synthetic.noop, to: retrieve, max_visits: 2, then: end}
      end: {uses: synthetic.noop, batch: {size: 4, max_wait_ms: 5}, workers: 2, queue: 8}
  train:
    data: {uses: synthetic.items, items_per_query: 2}
    load: {closed: {concurrency: 1}}
    stages:
      step: {uses: synthetic.spin, with: {seconds: 0.01}}
"""


@pytest.mark.parametrize("chunk", range(20))
def test_a_damaged_spec_opens_or_says_what_is_wrong(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [SPEC, *(path.read_text() for path in EXAMPLES)]
    for number in range(chunk * 110, (chunk + 1) * 110):
        random = Random(number)
        text = mutated_text(random.choice(texts), random)
        file = tmp_path / "spec.yml"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            _, problems = check_file(file)
        except SpecError as error:
            problems = list(error.problems)
            assert problems, f"seed {number}"
        for problem in problems:
            assert str(problem).strip(), f"seed {number}"
            assert "Traceback" not in str(problem), f"seed {number}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.yml"]
