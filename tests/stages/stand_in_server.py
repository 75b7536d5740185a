"""A small server of the OpenAI API that answers as the model's name says; also a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECES = ["All ", "is ", "well."]


class Handler(BaseHTTPRequestHandler):
    """Answers one request after the other over a connection that stays open."""

    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_GET(self) -> None:
        status, document = self.server.models()
        self.answer(status, json.dumps(document).encode())

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.note(request, dict(self.headers), self.client_address[1])
        getattr(self, f"answer_{request['model']}")(request)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.send({"choices": [{"delta": {"role": "assistant", "content": None}}]})

    def send(self, event: object) -> None:
        text = event if isinstance(event, str) else json.dumps(event)
        self.chunk(f"data: {text}\n\n".encode())

    def piece(self, text: str, **delta: str) -> None:
        self.send({"choices": [{"delta": {"content": text, **delta}, "finish_reason": None}]})

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end_stream(self) -> None:
        self.send({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        self.send({"choices": [], "usage": {"completion_tokens": len(PIECES)}})
        self.send("[DONE]")
        self.chunk(b"")

    # -- what the models do --------------------------------------------------------------

    def answer_well(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        for text in PIECES:
            self.piece(text)
        self.end_stream()

    def answer_echo(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.piece(request["messages"][-1]["content"])
        self.end_stream()

    def answer_in_turn(self, request: dict[str, Any]) -> None:
        """No piece before the one before it has been noted."""
        self.begin_stream()
        for text in PIECES:
            self.piece(text)
            assert self.server.noted.acquire(timeout=20), "the client did not see the piece"
        self.end_stream()

    def answer_thinks(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.send({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
        self.piece("Yes.")
        self.end_stream()

    def answer_unknown(self, request: dict[str, Any]) -> None:
        self.answer(404, b'{"error": {"message": "the model `unknown` does not exist"}}')

    def answer_page(self, request: dict[str, Any]) -> None:
        self.answer(502, b"<html>Bad gateway</html>")

    def answer_breaks(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.piece(PIECES[0])
        self.close_connection = True

    def answer_ends_early(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.piece(PIECES[0])
        self.chunk(b"")

    def answer_fails_late(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.piece(PIECES[0])
        self.send({"error": {"message": "out of memory", "code": 500}})
        self.chunk(b"")

    def answer_hangs(self, request: dict[str, Any]) -> None:
        self.begin_stream()
        self.server.closing.wait(20)

    def answer_hangs_up(self, request: dict[str, Any]) -> None:
        """Answers, and closes the connection while it is idle."""
        self.answer_well(request)
        self.close_connection = True

    def answer_place(self, request: dict[str, Any]) -> None:
        """Where the server runs."""
        self.begin_stream()
        place = {"cpus": sorted(os.sched_getaffinity(0)), "omp": os.environ["OMP_NUM_THREADS"]}
        self.piece(json.dumps(place))
        self.end_stream()

    def answer_dies(self, request: dict[str, Any]) -> None:
        print("CUDA error: out of memory", file=sys.stderr, flush=True)
        os._exit(3)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class StandIn(ThreadingHTTPServer):
    """The server with what it saw."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.connections: set[int] = set()
        self.closed = threading.Semaphore(0)
        self.noted = threading.Semaphore(0)
        self.closing = threading.Event()
        self.models: Callable[[], tuple[int, object]] = lambda: (200, {"data": [{"id": "well"}]})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, request: dict[str, Any], headers: dict[str, str], connection: int) -> None:
        self.requests.append(request)
        self.headers.append(headers)
        self.connections.add(connection)

    def shutdown_request(self, request: Any) -> None:  # Any: a socket
        """A connection ends; whoever waits for that goes on."""
        super().shutdown_request(request)
        self.closed.release()

    def handle_error(self, *_: object) -> None:
        """A client that leaves is none of its business."""


@contextmanager
def serving() -> Iterator[StandIn]:
    """The server in a thread of this process."""
    with StandIn() as server:
        thread = threading.Thread(target=lambda: server.serve_forever(0.01))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def main(port: str, *, child: bool = False) -> None:
    """As a program: says so, starts a child in a session of its own if asked to, serves."""
    print("the stand-in starts", flush=True)
    if child:
        started = subprocess.Popen(["sleep", "600"], start_new_session=True)
        print(f"child {started.pid}", file=sys.stderr, flush=True)
    StandIn(int(port)).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], child="child" in sys.argv)
