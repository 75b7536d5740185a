"""An OpenAI-compatible endpoint: where it is, and one connection to it for each thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from select import select
from typing import Any
from urllib.parse import urlsplit

from mlbench.errors import QueryError

__all__ = ["Endpoint", "NoAnswerError", "base_of", "connect", "message_of", "url_of"]

MAX_ERROR_BYTES = 1 << 16


class NoAnswerError(QueryError):
    """No answer came over the connection; the server may have ended."""


class Endpoint:
    """Requests to one server, over connections that stay open, one for each thread.

    Proxies that the environment names are not used: what is measured is the server.

    Parameters
    ----------
    url
        With or without a path; ``/v1`` where it has none.
    key
        Sent as ``Authorization: Bearer``; null for none.
    timeout_s
        For the connection, and then for each piece of the answer.
    """

    def __init__(self, url: str, key: str | None = None, timeout_s: float = 60) -> None:
        self.url = base_of(url)
        self._path = urlsplit(self.url).path
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s
        self._open: dict[int, HTTPConnection] = {}

    def post(self, path: str, body: Mapping[str, object]) -> HTTPResponse:
        """The answer to a request, its body not read yet.

        Raises
        ------
        NoAnswerError
            If there is no connection, or nothing comes over it.
        QueryError
            If the server answers with an error.
        """
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._checked(self._ask("POST", path, json.dumps(body).encode(), headers))

    def get(self, path: str) -> Any:  # Any: JSON
        """The JSON document at a path; raises as `post` does."""
        response = self._checked(self._ask("GET", path, None, self._headers))
        try:
            return json.loads(response.read())
        except ValueError:
            raise QueryError(f"{self.url}{path} does not answer with JSON") from None

    def close(self) -> None:
        """Close this thread's connection: its next request has a new one."""
        connection = self._open.pop(threading.get_ident(), None)
        if connection is not None:
            connection.close()

    def close_all(self) -> None:
        """Close the connections of all threads, none of which is asking."""
        while self._open:
            self._open.popitem()[1].close()

    def no_answer(self, error: Exception) -> NoAnswerError:
        """What the failure of a connection is to a query."""
        self.close()
        if isinstance(error, TimeoutError):
            return NoAnswerError(f"nothing came from {self.url} for {self._timeout_s:g} s")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return NoAnswerError(f"no answer from {self.url}: {reason}")

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        """The response. Nothing is asked twice: the server might work on both."""
        connection = self._connection()
        try:
            connection.request(method, self._path + path, body, dict(headers))
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            raise self.no_answer(error) from None

    def _connection(self) -> HTTPConnection:
        """The connection of this thread; a new one where the server has closed it meanwhile."""
        thread = threading.get_ident()
        found = self._open.get(thread)
        if found is not None and _is_closed(found):
            self.close()
            found = None
        if found is None:
            found = self._open[thread] = connect(self.url, self._timeout_s)
        return found

    def _checked(self, response: HTTPResponse) -> HTTPResponse:
        if response.status == 200:
            return response
        try:
            said = response.read(MAX_ERROR_BYTES)
        except (OSError, HTTPException) as error:
            raise self.no_answer(error) from None
        self.close()
        raise QueryError(f"{self.url} answered {response.status} {response.reason}{_reason(said)}")


def _is_closed(connection: HTTPConnection) -> bool:
    """Whether an idle connection has something to read: that can only be its end."""
    return connection.sock is not None and bool(select([connection.sock], [], [], 0)[0])


def connect(url: str, timeout_s: float) -> HTTPConnection:
    """A connection to the host of a URL, made when it is first used."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=timeout_s)


def url_of(text: str) -> str:
    """The text, if it is an address that can be asked.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> url_of("http://127.0.0.1:8000")
    'http://127.0.0.1:8000'
    """
    parts = urlsplit(text)  # raises ValueError at a wrong host, and `port` at a wrong port
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"expected an address such as http://127.0.0.1:8000, not {text!r}")
    return text


def base_of(url: str) -> str:
    """The address below which ``/chat/completions`` is.

    Examples
    --------
    >>> base_of("http://127.0.0.1:8000/")
    'http://127.0.0.1:8000/v1'
    >>> base_of("https://host/api/v1/")
    'https://host/api/v1'
    """
    url = url.rstrip("/")
    return url if urlsplit(url).path else f"{url}/v1"


def _reason(said: bytes) -> str:
    """What an error's body says: its message where it is JSON, else its beginning."""
    text = said.decode(errors="replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return f": {text[:500]}" if text else ""
    return f": {message_of(found)}"


def message_of(found: Any) -> str:  # Any: JSON
    """The message inside of an error as servers write it, each in its own way.

    Examples
    --------
    >>> message_of({"error": {"message": "no such model", "code": 404}})
    'no such model'
    >>> message_of({"detail": "not found"})
    'not found'
    """
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            return message_of(found[key])
    return found if isinstance(found, str) else json.dumps(found)[:500]
