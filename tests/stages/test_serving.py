"""The client and the server of the serving family, on a small server that can also go wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from stand_in_server import PIECES, StandIn, serving

from mlbench.errors import MlbenchError, PipelineError, QueryError
from mlbench.interfaces.stage import Context
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.stages.serving.chat import Chat
from mlbench.stages.serving.server import Server, ServerResource
from mlbench.stages.serving.stream import pieces
from mlbench.stages.text.token_events import TokenEvents

STAND_IN = Path(__file__).with_name("stand_in_server.py")
COMMAND = (sys.executable, str(STAND_IN), "{port}")

Open = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with serving() as running:
        yield running


def events(context: Context) -> list[tuple[str, float]]:
    return [(name, value) for name, _, value in context.visit.events]


# -- the stream --------------------------------------------------------------------------


@pytest.mark.unit
def test_a_stream_is_read_to_its_end_and_comments_are_left_out() -> None:
    lines = iter([
        b": ping\n", b"event: message\n",
        b'data: {"choices": [{"delta": {"content": "a"}}]}\n', b"\n",
        b'data:{"choices": [{"delta": {"content": "b"}}]}\r\n', b"data: [DONE]\n", b"\n",
    ])  # fmt: skip
    assert list(pieces(lines)) == ["a", "b"]
    assert list(lines) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"data: nonsense", "no JSON: b'nonsense'"),
        (b'data: {"error": "overloaded"}', "ended the answer: overloaded"),
        (
            b'data: {"choices": [{"delta": {"content": "a"}}]}',
            "of the answer so far: 1",
        ),
    ],
)
def test_a_stream_that_goes_wrong_says_how(line: bytes, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        list(pieces([line]))


# -- the client --------------------------------------------------------------------------


def test_an_answer_is_joined_and_each_piece_is_an_event(opened: Open, server: StandIn) -> None:
    context = Context()
    chat = opened(Chat(url=server.url, model="well", system="Be brief.", prompt="Sum up: {text}"),
                  context)  # fmt: skip
    assert chat("a long text") == "All is well."
    assert events(context) == [("first_token", 1), ("token", 1), ("token", 1)]
    (request,) = server.requests
    assert [turn["content"] for turn in request["messages"]] == ["Be brief.", "Sum up: a long text"]
    assert (request["max_tokens"], request["temperature"], request["stream"]) == (32, 0, True)


def test_the_events_are_those_of_the_text_family() -> None:
    chat, text = Context(), Context()
    with serving() as server, Chat(url=server.url, model="well").open(chat) as ask:
        ask("x")
    came = TokenEvents(text)
    for _ in PIECES:
        came()
    assert events(chat) == events(text)


def test_a_piece_is_noted_when_it_comes(opened: Open, server: StandIn) -> None:
    class Told(Context):
        def event(self, *arguments: Any) -> None:
            super().event(*arguments)
            server.noted.release()

    assert opened(Chat(url=server.url, model="in_turn", timeout=20), Told())("x") == "All is well."


def test_a_thought_is_a_token_and_no_part_of_the_answer(opened: Open, server: StandIn) -> None:
    context = Context()
    assert opened(Chat(url=server.url, model="thinks"), context)("x") == "Yes."
    assert len(context.visit.events) == 2


def test_a_connection_is_used_again(opened: Open, server: StandIn) -> None:
    chat = opened(Chat(url=server.url, model="well"))
    assert [chat("x") for _ in range(3)] == ["All is well."] * 3
    assert len(server.connections) == 1


def test_a_connection_that_the_server_closed_is_replaced_and_nothing_is_asked_twice(
    opened: Open, server: StandIn
) -> None:
    chat = opened(Chat(url=server.url, model="hangs_up"))
    for _ in range(3):
        assert chat("x") == "All is well."
        assert server.closed.acquire(timeout=20)
    assert len(server.connections) == len(server.requests) == 3


def test_the_model_is_the_first_one_that_the_server_lists(opened: Open, server: StandIn) -> None:
    opened(Chat(url=server.url))("x")
    assert server.requests[0]["model"] == "well"
    server.models = lambda: (200, {"data": []})
    with pytest.raises(MlbenchError, match=r"/v1/models lists no model: name one"):
        opened(Chat(url=server.url))


def test_a_key_comes_from_a_variable_and_a_body_may_have_more(
    opened: Open, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Chat(url=server.url, model="well", key="SOME_KEY", body={"ignore_eos": True})
    with pytest.raises(MlbenchError, match="export SOME_KEY="):
        opened(asking)
    monkeypatch.setenv("SOME_KEY", "secret")
    opened(asking)("x")
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert server.requests[0]["ignore_eos"] is True


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("unknown", r"answered 404 Not Found: the model `unknown` does not exist"),
        ("page", r"answered 502 Bad Gateway: <html>Bad gateway"),
        ("breaks", r"of the answer so far: 1"),
        ("ends_early", r"of the answer so far: 1"),
        ("fails_late", r"ended the answer: out of memory"),
        ("hangs", r"nothing came from http://127.0.0.1:\d+/v1 for 0.2 s"),
    ],
)
def test_an_answer_that_fails_says_why_and_the_next_one_comes(
    opened: Open, server: StandIn, model: str, message: str
) -> None:
    chat = opened(Chat(url=server.url, model=model, timeout=0.2))
    with pytest.raises(QueryError, match=message):
        chat("x")
    with pytest.raises(QueryError, match=message):
        chat("again")


def test_nobody_there_is_one_clear_error(opened: Open) -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(QueryError, match=rf"no answer from {url}/v1: Connection refused"):
        opened(Chat(url=url, model="well"))("x")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"either server: \$NAME"),
        ({"url": "http://x", "server": "$x"}, r"either server: \$NAME"),
        ({"url": "x"}, "url"),
        ({"url": "http://x", "prompt": "no place"}, "with {text} where the text goes"),
    ],
)
def test_a_client_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Chat.model_validate(options)


# -- the server --------------------------------------------------------------------------


def test_a_server_is_started_on_a_free_port_and_ended_with_all_that_it_started(
    opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    with ServerResource(command=(*COMMAND, "child"), model="well").open(Context()) as running:
        context = Context(resources={"llm": running})
        assert opened(Chat(server="$llm"), context)("x") == "All is well."
        assert running.program is not None
        assert running.how_it_ended() is None
        said = capfd.readouterr()
    assert "the stand-in starts" in said.err
    child = int(said.err.partition("child ")[2].split()[0])
    assert not Path(f"/proc/{running.program.pid}").exists()
    assert not Path(f"/proc/{child}").exists()


def test_two_servers_have_ports_of_their_own(opened: Open) -> None:
    urls = {opened(ServerResource(command=COMMAND)).url for _ in range(2)}
    assert len(urls) == 2


@pytest.mark.usefixtures("capfd")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('no such model'); raise SystemExit(3)", r"ended \(exit status 3\).*no such model"),
        ("import os; os.kill(os.getpid(), 9)", r"exit status 137 \(SIGKILL\)\); it said nothing"),
        (
            "import time; print('loading'); time.sleep(99)",
            r"not ready within 1 s.*refused.*loading",
        ),
    ],
)
def test_a_server_that_does_not_get_ready_says_what_it_said_last(
    opened: Open, script: str, message: str
) -> None:
    with pytest.raises(MlbenchError, match=f"(?s){message}"):
        opened(ServerResource(command=(sys.executable, "-c", script, "{port}"), timeout=1))


def test_a_server_that_runs_already_is_waited_for_and_left_alone(
    opened: Open, server: StandIn
) -> None:
    replies = iter([(503, {}), (503, {}), (200, {"data": []})])
    server.models = lambda: next(replies)
    with ServerResource(url=server.url).open(Context()) as running:
        assert running.url == server.url
    server.models = lambda: (503, {})
    with pytest.raises(MlbenchError, match=r"/v1/models answers 503"):
        opened(ServerResource(url=server.url, timeout=0.2))
    server.models = lambda: (401, {})
    opened(ServerResource(url=server.url))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either command: .* or url"),
        ({"command": ["a", "{port}"], "url": "http://x"}, "either command: .* or url"),
        ({"command": ["vllm", "serve"]}, "expected {port}, which stands for a free port"),
    ],
)
@pytest.mark.unit
def test_a_server_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ServerResource.model_validate(options)


@pytest.mark.unit
def test_the_port_may_be_in_a_variable() -> None:
    ollama = {"command": "ollama serve", "environment": {"OLLAMA_HOST": "127.0.0.1:{port}"}}
    assert ServerResource.model_validate(ollama).command == ("ollama", "serve")


@pytest.mark.unit
def test_a_command_that_is_not_there_is_named(opened: Open) -> None:
    with pytest.raises(MlbenchError, match=r"there is no program 'vlm' on the path: install it"):
        opened(ServerResource(command=("vlm", "serve", "{port}")))


@pytest.mark.usefixtures("capfd")
def test_a_server_that_dies_ends_the_pipeline(opened: Open) -> None:
    running: Server = opened(ServerResource(command=COMMAND, model="dies"))
    chat = opened(Chat(server="$llm"), Context(resources={"llm": running}))
    with pytest.raises(PipelineError, match=r"(?s)exit status 3.*CUDA error: out of memory"):
        chat("x")


# -- whole runs --------------------------------------------------------------------------


def run_of(tmp_path: Path, model: str) -> Run:
    """A run in which the stand-in serves the pipeline ``chat`` on the last processor."""
    server = {"uses": "serving.server", "with": {"command": list(COMMAND), "model": model}}
    chat = {
        "data": {"uses": "text.paragraphs", "with": {"limit": 4}},
        "execution": "pipelined",
        "load": {"closed": {"concurrency": 2}},
        "warmup": {"queries": 0},
        "stop": {"queries": 6},
        "place": {"cpus": sorted(os.sched_getaffinity(0))[-1:], "threads": 1},
        "resources": {"llm": server},
        "stages": {"chat": {"uses": "serving.chat", "workers": 2, "with": {"server": "$llm"}}},
    }
    sleep = {"uses": "synthetic.sleep", "with": {"seconds": 0.01}}
    beside = {
        "data": {"uses": "external.steps"},
        "stages": {"sleep": sleep},
        "stop": {"seconds": 0.5},
    }
    pipelines = {"chat": chat, "beside": beside}
    return start(Benchmark.model_validate({"name": "b", "pipelines": pipelines}), tmp_path).wait(60)


def nothing_is_left(run: Run) -> bool:
    marker = f"MLBENCH_RUN={run.request.marker}".encode()
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker in process.read_bytes().split(b"\0"):
                return False
        except OSError:
            continue
    return True


def test_a_run_has_the_times_of_its_tokens_and_its_server_on_its_place(tmp_path: Path) -> None:
    run = run_of(tmp_path, "place")
    assert run.status == "done"
    outputs = run.outputs()
    places = set(outputs[outputs["pipeline"] == "chat"]["output"])
    assert places == {json.dumps({"cpus": sorted(os.sched_getaffinity(0))[-1:], "omp": "1"})}
    spans, happened = run.spans(), run.events()
    spans = spans[spans["pipeline"] == "chat"].set_index("span")
    assert list(happened["name"]) == ["first_token"] * 6
    for event in happened.itertuples():
        assert spans.start[event.span] <= event.t <= spans.end[event.span]
    assert "the stand-in starts" in (run.path / "pipelines/chat/stderr.log").read_text()
    assert nothing_is_left(run)


def test_a_server_that_dies_fails_its_own_pipeline_and_no_other(tmp_path: Path) -> None:
    run = run_of(tmp_path, "dies")
    assert run.status == "failed"
    chat, beside = (run.manifest["pipelines"][name] for name in ("chat", "beside"))
    assert "CUDA error: out of memory" in chat["reason"]
    assert chat["status"] == "failed"
    assert beside["status"] == "done"
    queries = run.queries()
    assert set(queries[queries["pipeline"] == "chat"]["outcome"]) <= {"lost", "failed"}
    assert nothing_is_left(run)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999", "http://[bad", "localhost:8000", "ftp://a"]
)
def test_an_address_that_cannot_be_asked_is_a_mistake_of_the_spec(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort|IPv6|pattern"):
        Chat(url=url)
