"""Question answering with its real parts: encoder, index and language model, offline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner

from mlbench.check import resolve
from mlbench.cli import commands
from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Configurable, Context
from mlbench.registry import find, names
from mlbench.run import start
from mlbench.spec import Benchmark, load
from mlbench.stages.rag.calibrate import THRESHOLD, calibrate
from mlbench.stages.rag.hits import was_found
from mlbench.stages.rag.index import Index
from mlbench.stages.rag.question import Question
from mlbench.stages.rag.questions import Questions, held_back
from mlbench.stages.rag.retrieve import search
from mlbench.stages.rag.route import RouteBySource
from mlbench.stages.rag.vectors import Vectors

EXAMPLES = Path(__file__).parents[2] / "examples"
RAG = [name for name in names("stages") if name.startswith("rag.")]


@pytest.fixture(scope="module", autouse=True)
def alone_and_offline() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # two on the two cores of a small machine spin against each other
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def vectors() -> Iterator[Vectors]:
    with Index().open(Context()) as opened:
        yield opened


def asked(*sources: str) -> list[Question]:
    with Questions.model_validate({"sources": sources}).open(Context()) as questions:
        return list(questions)


# -- retrieval ---------------------------------------------------------------------------


def test_some_questions_are_missed_at_first(vectors: Vectors) -> None:
    hits = [was_found(each, search(vectors, each, k=3).hits) for each in asked("passages")]
    assert 0.5 < sum(hits) / len(hits) < 0.8


def test_the_threshold_is_the_one_that_the_held_back_questions_give(vectors: Vectors) -> None:
    calibration = calibrate(vectors, held_back(), k=3)
    assert calibration.threshold == pytest.approx(THRESHOLD, abs=0.001)
    assert calibration.balanced_accuracy == pytest.approx(0.76, abs=0.01)


def test_the_threshold_holds_for_questions_that_it_was_not_calibrated_on(vectors: Vectors) -> None:
    found = [search(vectors, each, k=3) for each in asked("passages")]
    right = [was_found(each.question, each.hits) for each in found]
    called = [(each.margin or 0) >= THRESHOLD for each in found]
    assert 0.2 < sum(called) / len(called) < 0.5  # the loop is taken by some, and not by others
    shares = [
        sum(c == r for c, r in zip(called, right, strict=True) if r == kind) / right.count(kind)
        for kind in (True, False)
    ]
    assert sum(shares) / 2 == pytest.approx(0.66, abs=0.02)


def test_most_questions_are_sent_to_where_their_answer_is(vectors: Vectors) -> None:
    questions = asked("passages", "database", "model")
    with RouteBySource(index="$index").open(Context(resources={"index": vectors})) as route:
        right = [route(each).name == each.source for each in questions]
    assert sum(right) / len(right) > 0.8


# -- the index on disk -------------------------------------------------------------------


def test_an_index_is_built_once_for_a_corpus_and_an_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    corpus = tmp_path / "notes.jsonl"

    def opened(text: str) -> list[str]:
        corpus.write_text(text)
        with Index(corpus=str(corpus)).open(Context()) as index:
            assert index.search("a yellow fruit", 1)[0].passage.id == "b"
        return sorted(path.name for path in (tmp_path / "cache/mlbench").glob("rag-index-*[!k]"))

    lines = '{"id": "a", "text": "A whale."}\n{"id": "b", "text": "A banana."}\n'
    (first,) = opened(lines)
    written = (tmp_path / "cache/mlbench" / first / "vectors.faiss").stat()
    assert opened(lines) == [first]
    again = (tmp_path / "cache/mlbench" / first / "vectors.faiss").stat()
    assert (again.st_ino, again.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert len(opened(lines.replace("whale", "shark"))) == 2


def test_a_package_that_is_missing_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    message = r"rag\.index needs the package faiss, .*pip install 'mlbench\[rag\]'"
    with pytest.raises(MissingExtraError, match=message), Index().open(Context()):
        pass


# -- what the documentation shows --------------------------------------------------------


def test_the_stages_import_without_what_they_use() -> None:
    heavy = {"torch", "faiss", "sentence_transformers", "transformers", "numpy"}
    code = f"""
import sys
from mlbench.registry import find, names
for name in names("stages"):
    if name.startswith("rag."):
        find("stages", name)
assert "mlbench.stages.rag.monolith" in sys.modules
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.unit
@pytest.mark.parametrize("name", RAG)
def test_the_example_of_a_stage_configures_it(name: str) -> None:
    kind = find("stages", name)
    assert isinstance(kind, type)
    assert issubclass(kind, Configurable)
    (use,) = yaml.safe_load(kind.example).values()
    use = use if "uses" in use else next(iter(use.values()))
    assert use["uses"] == name
    kind.model_validate(use.get("with", {}))


@pytest.mark.unit
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("rag_*.yml")), ids=lambda path: path.stem)
def test_the_examples_are_valid_and_round_trip(path: Path, tmp_path: Path) -> None:
    bench = load(path)
    copy = tmp_path / "copy.yml"
    copy.write_text(bench.to_yaml(), encoding="utf-8")
    assert load(copy) == bench
    assert resolve(bench)


# -- whole runs --------------------------------------------------------------------------

QUESTIONS = """
{"question": "Which debugging mode does pdb start on its own when a script crashes?",
 "answers": ["post-mortem"], "passages": ["debugger-2"]}
{"question": "Where must a bare except that catches everything be placed?",
 "answers": ["last"], "passages": ["compound-10"]}
{"question": "How many direct subclasses does Warning have?",
 "answers": ["11"], "source": "database"}
"""
"""One whose passage stands out, one whose does not, one for the database."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Both topologies of one job side by side, and a hybrid search without a model."""
    path = tmp_path_factory.mktemp("questions") / "three.jsonl"
    lines = QUESTIONS.strip().replace(",\n", ",").splitlines()
    path.write_text("\n".join(lines))
    data = {
        "uses": "rag.questions",
        "with": {"file": str(path), "sources": ["passages", "database", "model"]},
        "order": "sequential",
    }
    pipelines: dict[str, Any] = {
        name: load(EXAMPLES / f"rag_{name}.yml").plain()["pipelines"]["rag"]
        for name in ("decomposed", "monolith")
    }
    pipelines["decomposed"]["stages"]["rewrite"]["with"]["max_new_tokens"] = 4
    pipelines["decomposed"]["stages"]["generate"]["with"]["max_new_tokens"] = 6
    whole = pipelines["monolith"]["stages"]["answer"]["with"]
    whole |= {"rewriting_tokens": 4, "max_new_tokens": 6}
    pipelines["hybrid"] = {
        "resources": {"index": {"uses": "rag.index"}},
        "stages": {
            "question": {"uses": "synthetic.noop", "to": ["retrieve", "keywords"]},
            "retrieve": {"uses": "rag.retrieve", "with": {"index": "$index"}, "to": "fuse"},
            "keywords": {"uses": "rag.keywords", "with": {"index": "$index"}, "to": "fuse"},
            "fuse": {"uses": "rag.fuse", "join": ["retrieve", "keywords"]},
        },
    }
    rest = {"data": data, "warmup": {"queries": 0}}
    made = {name: {**each, **rest} for name, each in pipelines.items()}
    limits = {"lateness_p99_ms": 2000}  # other tests keep the machine busy
    return Benchmark.model_validate(
        {"name": "three", "stop": {"queries": 3}, "limits": limits, "pipelines": made}
    )


@pytest.mark.timeout(300)
def test_both_topologies_give_the_same_answers_and_scores(bench: Benchmark, tmp_path: Path) -> None:
    run = start(bench, tmp_path).wait(280)
    summary = run.summary()
    assert summary["verdict"] == "VALID", run.engine_log()
    outputs = run.outputs().set_index(["pipeline", "query"])["output"]
    decomposed, monolith = (outputs[name].to_dict() for name in ("decomposed", "monolith"))
    assert decomposed == monolith
    assert decomposed[2]["answer"] == "11"
    assert all(decomposed[query]["answer"] for query in (0, 1))

    pipelines = summary["pipelines"]
    assert pipelines["decomposed"]["scores"] == pipelines["monolith"]["scores"]
    assert pipelines["decomposed"]["tokens"]["count"] == pipelines["monolith"]["tokens"]["count"]
    assert pipelines["decomposed"]["scores"]["route_hit"]["queries"] == 3
    assert pipelines["hybrid"]["scores"]["retrieval_hit"]["queries"] == 2
    assert all(pipeline["errors"] == 0 for pipeline in pipelines.values())

    spans = run.spans()
    spans = spans[spans["pipeline"] == "decomposed"]
    visits = spans[spans["stage"] == "rewrite"].groupby("query").size().to_dict()
    assert set(visits) == {1}  # the loop is taken by the one question and not by the others
    assert visits[1] in (1, 2)

    shown = CliRunner().invoke(commands, ["show", str(run.path)], env={"COLUMNS": "120"})
    assert "route_hit: 100.0% (95% interval 43.9% to 100.0%) of 3 queries" in shown.stdout

    queries = run.queries().set_index(["pipeline", "query"]).loc["decomposed"]
    service = (spans["end"] - spans["start"]).groupby(spans["query"]).sum()
    assert (queries["service_ns"] == service).all()


def test_a_whole_set_is_asked_once_and_in_order(bench: Benchmark, tmp_path: Path) -> None:
    data = {
        "uses": "rag.questions",
        "with": {"sources": ["passages", "database", "model"]},
        "order": "sequential",
    }
    noop = {"data": data, "stages": {"step": {"uses": "synthetic.noop"}}}
    only = Benchmark.model_validate(
        {"name": "all", "stop": {"queries": 89}, "pipelines": {"rag": noop}}
    )
    run = start(only, tmp_path).wait(60)
    assert run.queries()["item"].tolist() == list(range(89))
