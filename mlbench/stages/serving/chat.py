"""Stage: a model behind HTTP answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from mlbench.errors import MlbenchError, PipelineError
from mlbench.interfaces.stage import Context, Ref, Stage
from mlbench.stages.serving.endpoint import Endpoint, NoAnswerError, url_of
from mlbench.stages.serving.server import Server
from mlbench.stages.serving.stream import pieces
from mlbench.stages.text.token_events import TokenEvents

__all__ = ["Chat"]

TEXT = "{text}"

ENDS_S = 0.5
"""For a server whose connections fail to have ended."""


class Chat(Stage):
    """What a model behind an OpenAI-compatible API answers to a text.

    The answer is streamed: its first piece is recorded as the event ``first_token``, each
    further one as ``token``; most servers send a piece for each token. The time to the
    first token counts from the query's due time, with the wait for its turn. By default
    each token is the likeliest one (``temperature: 0``).

    In flight are as many requests as the stage has ``workers``, each over a connection of
    its own that stays open; others wait in front of the stage. So for a server that batches
    write ``execution: pipelined`` and ``workers: 16``.

    An error that the server answers, a connection that fails and a stream that breaks off
    make their query fail, with what was said. When a server that mlbench started has ended,
    the pipeline ends.
    """

    takes: ClassVar[object] = str
    gives: ClassVar[object] = str
    example: ClassVar[str] = (
        "chat:\n"
        "  uses: serving.chat\n"
        "  workers: 4\n"
        '  with: {server: $llm, prompt: "In one sentence: {text}", max_new_tokens: 32}'
    )

    server: Ref | None = Field(default=None, description="a resource, serving.server")
    url: str | None = Field(
        default=None, pattern=r"^https?://", description="of a server; /v1 is added to a bare host"
    )
    model: str | None = Field(
        default=None, description="default: the server's, or the first that it lists"
    )
    prompt: str = Field(default=TEXT, description="what is asked, with {text} in it")
    system: str | None = Field(default=None, description="the instruction before it")
    max_new_tokens: int = Field(default=32, ge=1, description="where an answer is cut off")
    temperature: float = Field(default=0, ge=0, description="0 takes the likeliest token")
    body: dict[str, object] = Field(default={}, description="more fields of the request")
    key: str | None = Field(
        default=None, description="the variable of the environment that has the API key"
    )
    timeout: float = Field(default=60, gt=0, description="seconds without a piece of the answer")

    @field_validator("prompt")
    @classmethod
    def _has_a_place_for_the_text(cls, value: str) -> str:
        if TEXT not in value:
            raise ValueError(f"expected a prompt with {TEXT} where the text goes")
        return value

    @field_validator("url")
    @classmethod
    def _can_be_asked(cls, value: str | None) -> str | None:
        return None if value is None else url_of(value)

    @model_validator(mode="after")
    def _one_of_both(self) -> Chat:
        if (self.server is None) == (self.url is None):
            raise ValueError("expected either server: $NAME, of a resource, or url: http://...")
        return self

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[str], str]]:
        """Yield a function that asks."""
        server = Server(self.url or "")
        if self.server is not None:
            server = context.resource(self.server)
        endpoint = Endpoint(server.url, self._api_key(), self.timeout)
        try:
            yield self._asking(endpoint, server, context)
        finally:
            endpoint.close_all()

    def _asking(self, endpoint: Endpoint, server: Server, context: Context) -> Callable[[str], str]:
        model = self.model or server.model or _first_model(endpoint)

        def chat(text: str) -> str:
            request = self._request(model, text)
            try:
                return _answer(endpoint, request, TokenEvents(context))
            except NoAnswerError as error:
                if ended := server.how_it_ended(ENDS_S):
                    raise PipelineError(f"{error}: {ended}") from None
                raise

        return chat

    def _api_key(self) -> str | None:
        if self.key is None:
            return None
        if found := os.environ.get(self.key):
            return found
        raise MlbenchError(
            f"serving.chat takes its key from the variable {self.key}, which is not set: "
            f"export {self.key}=..., in the shell that starts mlbench"
        )

    def _request(self, model: str, text: str) -> dict[str, object]:
        turns = [{"role": "system", "content": self.system}] if self.system else []
        turns.append({"role": "user", "content": self.prompt.replace(TEXT, text)})
        return {
            "model": model,
            "messages": turns,
            "max_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "stream": True,
            **self.body,
        }


def _answer(endpoint: Endpoint, request: dict[str, object], came: TokenEvents) -> str:
    """The whole answer, each piece of it noted as it comes."""
    response = endpoint.post("/chat/completions", request)
    parts = []
    try:
        for piece in pieces(response):
            came()
            parts.append(piece)
    except (OSError, HTTPException) as error:
        raise endpoint.no_answer(error) from None
    except MlbenchError:
        endpoint.close()
        raise
    return "".join(parts)


def _first_model(endpoint: Endpoint) -> str:
    """The first model that the server lists.

    Raises
    ------
    MlbenchError
        If it lists none.
    """
    try:
        return str(endpoint.get("/models")["data"][0]["id"])
    except (LookupError, TypeError):
        raise MlbenchError(
            f"{endpoint.url}/models lists no model: name one, with: {{model: ...}}"
        ) from None
