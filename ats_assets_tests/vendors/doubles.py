"""A local stand-in for a vendor: an HTTP server on 127.0.0.1 that answers what a function says, and misbehaves by a script.

A vendor's own double gives the function, in the vendor's documented wire format, and how a key is shown:

    with VendorDouble(lambda asked: Told({"results": [1, 2], "count": 2}), keys={"opensesame42"}) as double:
        http = VendorHttp("some", double.url, VendorKeys("SOME_API_KEY"), VendorLimits())
        double.script.append(Mishap(Wrong.RATE_LIMIT, retry_after="2"))

Every request, spoilt or not, is in `double.journal`.
"""

import contextlib
import enum
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


class Wrong(enum.StrEnum):
    """What can go wrong with an answer."""

    RATE_LIMIT = "429, with Retry-After where the mishap has one"
    ERROR = "5xx, or the status that the mishap has"
    NO_ANSWER = "the connection is cut before an answer"
    CUT = "the body ends before the length that was announced"
    LATE = "the answer comes after some seconds"
    NOT_JSON = "a page of HTML with status 200"
    TRUNCATED = "the body is whole by its length, and half a text of JSON"
    EMPTY = "nothing, with status 200"
    HALF_PAGE = "the longest list of the body lacks its second half; what is said of it stays"
    REPEATED_PAGE = "what the request before for this path was answered"
    LOOP = "the rows of this page with all else of the page before: where the next one is, above all"
    REDIRECT = "302 to another server"
    ECHO = "the answer repeats the request: headers, address and all, in headers and body"
    REFUSED_ECHO = "400, repeating the request likewise"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    n: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in small letters."""
    at: float
    """Of `time.monotonic`."""
    key: str | None


@dataclass(frozen=True)
class Told:
    """An answer: what becomes JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Mishap:
    """What goes wrong with the next `times` requests whose path begins so; None: with all."""

    wrong: Wrong
    times: int | None = 1
    path: str = ""
    retry_after: str | None = None
    status: int = 503
    seconds: float = 1.0
    skip: int = 0
    """Requests that are answered before."""


class VendorDouble:
    """See the module's text.

    Parameters
    ----------
    answer
        What the vendor answers, misbehaviour apart; it is called by one thread at a time.
    keys
        The keys that are accepted; None: none is asked for.
    shown
        The key in a request's headers and query; default: what comes with `Authorization: Bearer`.
    compress
        Whether answers are compressed where the client takes it.
    """

    def __init__(
        self,
        answer: Callable[[Asked], Told],
        *,
        keys: Collection[str] | None = None,
        shown: Callable[[Mapping[str, str], Mapping[str, str]], str | None] | None = None,
        compress: bool = False,
    ) -> None:
        self.answer = answer
        self.keys = None if keys is None else set(keys)
        self.shown = shown or (lambda headers, _query: headers.get("authorization", "").removeprefix("Bearer ") or None)
        self.compress = compress
        self.script: list[Mishap] = []
        self.journal: list[Asked] = []
        self.lock = threading.RLock()
        self._before: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, path: str = "") -> list[Asked]:
        """The requests whose path begins so, in order."""
        with self.lock:
            return [asked for asked in self.journal if asked.path.startswith(path)]

    def meet(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[Asked, Mishap | None, Told]:
        """Note a request, and decide what comes of it."""
        with self.lock:
            key = self.shown(headers, query)
            asked = Asked(n=len(self.journal), method=method, path=path, query=query, headers=headers, at=time.monotonic(), key=key)
            self.journal.append(asked)
            mishap = self._mishap(path)
            if self.keys is not None and key not in self.keys:
                return asked, mishap, Told({"status": "ERROR", "error": "unknown API key"}, status=401)
            told = self.answer(asked)
            spoilt = self._spoilt_page(mishap.wrong, path, told) if mishap and told.status < 300 else told
            if told.status < 300:
                self._before[path] = told.body
            return asked, mishap, spoilt

    def _mishap(self, path: str) -> Mishap | None:
        for mishap in self.script:
            if not path.startswith(mishap.path):
                continue
            if mishap.skip:
                mishap.skip -= 1
                return None
            if mishap.times is not None:
                mishap.times -= 1
                if not mishap.times:
                    self.script.remove(mishap)
            return mishap
        return None

    def _spoilt_page(self, wrong: Wrong, path: str, told: Told) -> Told:
        before = self._before.get(path)
        if wrong is Wrong.REPEATED_PAGE and before is not None:
            return Told(before, told.status, told.headers)
        if wrong is Wrong.HALF_PAGE:
            return Told(_with_lists(told.body, lambda rows: rows[: len(rows) // 2]), told.status, told.headers)
        if wrong is Wrong.LOOP and isinstance(before, dict) and isinstance(told.body, dict):
            lists = {name: value for name, value in told.body.items() if isinstance(value, list)}
            return Told({**before, **lists}, told.status, told.headers)
        return told


def _with_lists(body: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """The same with its longest list changed: itself, or a value of it."""
    if isinstance(body, list):
        return change(body)
    lists = {name: value for name, value in body.items() if isinstance(value, list)} if isinstance(body, dict) else {}
    if not lists:
        return body
    longest = max(lists, key=lambda name: len(lists[name]))
    return {**body, longest: change(lists[longest])}


def _instead(mishap: Mishap, told: Told) -> Told:
    """What is answered instead, by a server that answers."""
    match mishap.wrong:
        case Wrong.RATE_LIMIT:
            wait = {} if mishap.retry_after is None else {"Retry-After": mishap.retry_after}
            return Told({"status": "ERROR", "error": "too many requests"}, 429, wait)
        case Wrong.ERROR:
            return Told(HTML.encode(), mishap.status, {"Content-Type": "text/html"})
        case Wrong.NOT_JSON:
            return Told(HTML.encode(), 200, {"Content-Type": "text/html"})
        case Wrong.TRUNCATED:
            text = json.dumps(told.body).encode()
            return Told(text[: len(text) // 2], told.status, {"Content-Type": "application/json"})
        case Wrong.EMPTY:
            return Told(b"", 200)
        case Wrong.REDIRECT:
            return Told(b"", 302, {"Location": "http://localhost:1/elsewhere"})
        case _:
            return told


class _Handler(BaseHTTPRequestHandler):
    """One connection; it stays open for several requests unless it is cut."""

    double: ClassVar[VendorDouble]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked, mishap, told = self.double.meet(self.command, target.path, query, headers)
        if mishap is None or told.status == 401:
            self._send(told)
        else:
            self._misbehave(mishap, asked, told)

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr: there is the journal."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client is gone
            super().handle()

    def _misbehave(self, mishap: Mishap, asked: Asked, told: Told) -> None:
        if mishap.wrong in {Wrong.ECHO, Wrong.REFUSED_ECHO}:
            self._send(self._echo(asked, told, refused=mishap.wrong is Wrong.REFUSED_ECHO))
        elif mishap.wrong is Wrong.NO_ANSWER:
            self._cut()
        else:
            if mishap.wrong is Wrong.LATE:
                time.sleep(mishap.seconds)
            self._send(_instead(mishap, told), share=0.5 if mishap.wrong is Wrong.CUT else None)

    def _echo(self, asked: Asked, told: Told, *, refused: bool) -> Told:
        repeated = {"message": f"{self.path} {asked.headers}", "headers": asked.headers, "address": self.path}
        body = repeated if refused or not isinstance(told.body, dict) else {**told.body, **repeated}
        shown = {f"X-Echo-{name}": value for name, value in asked.headers.items()}
        return Told(body, 400 if refused else told.status, {**told.headers, **shown, "X-Echo-Address": self.path})

    def _send(self, told: Told, *, share: float | None = None) -> None:
        content = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        headers = {"Content-Type": "application/octet-stream" if isinstance(told.body, bytes) else "application/json", **told.headers}
        if self.double.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
        self.send_response(told.status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content if share is None else content[: min(int(share * len(content)), len(content) - 1)])
        self.wfile.flush()
        if share is not None:
            self._cut()

    def _cut(self) -> None:
        """End the connection at once: a reset, not an orderly close."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()
