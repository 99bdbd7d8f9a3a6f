"""The HTTP server: who may ask, what goes wrong, who answers, and a journal of it all."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from ats_assets_tests.alpaca_double.misbehaviour import UNHANDLED, Fault, Plan, Step
from ats_assets_tests.alpaca_double.wire import Desk, Refusal, Request, Response, Route

KEY_ID, SECRET_KEY = "PKDOUBLE0000TESTKEY0", "sEcReTdOuBlEsEcReTdOuBlE0000000000000000"
"""What the double accepts unless it is told otherwise; long and odd enough to be searched for in all output."""
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal. `handled`: how often the request was carried out; `status`: what was answered, None where nothing was."""

    n: int
    method: str
    path: str
    query: dict[str, str]
    body: str
    key_id: str | None
    fault: str | None
    handled: int
    status: int | None


class AlpacaDouble:
    """A stand-in for Alpaca's servers, on 127.0.0.1, for the data and the trading side at once.

    Parameters
    ----------
    desks
        What it serves.
    now
        Alpaca's clock. It stands still until it is set again; None: the machine's.
    keys
        Key id -> secret.
    expired
        Key ids that were right once: answered by 403.
    """

    def __init__(
        self,
        desks: Sequence[Desk],
        *,
        now: datetime | None = None,
        keys: dict[str, str] | None = None,
        expired: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self.desks = {desk.name: desk for desk in desks}
        self.plan = Plan()
        self.keys = {KEY_ID: SECRET_KEY} if keys is None else keys
        self.expired = set(expired)
        self.journal: list[Entry] = []
        self.lock = threading.RLock()
        self._now = now
        self._routes: list[Route] = [route for desk in desks for route in desk.routes()]
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"double": self}))
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

    @property
    def now(self) -> datetime:
        """Alpaca's clock."""
        return self._now or datetime.now(UTC)

    @now.setter
    def now(self, at: datetime | None) -> None:
        with self.lock:
            self._now = at

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        self.now = self.now + by

    def requests(self, method: str, path: str = "") -> list[Entry]:
        """The journal's lines about requests of this method whose path begins so."""
        with self.lock:
            return [entry for entry in self.journal if entry.method == method and entry.path.startswith(path)]

    def answer(self, method: str, path: str, query: dict[str, str], body: str, headers: dict[str, str]) -> Response:
        """What the API answers, misbehaviour apart."""
        with self.lock:
            try:
                for route in self._routes:
                    parts = route.match(method, path)
                    if parts is not None:
                        key_id = self._who(headers, keyless=route.keyless)
                        return route.handle(
                            Request(method=method, path=path, query=query, body=body, parts=parts, key_id=key_id, now=self.now)
                        )
            except Refusal as refusal:
                return Response(status=refusal.status, body=refusal.body)
            return Response(status=404, body={"code": 40410000, "message": "endpoint not found"})

    def control(self, path: str, body: str) -> Response:
        """POST or GET /_double/…: now, plan, keys, journal, and what the desks offer."""
        given: Any = json.loads(body) if body else None
        place, _, what = path.removeprefix("/_double/").partition("/")
        with self.lock:
            if place == "now":
                if given is not None:
                    self.now = datetime.fromisoformat(given)
                return Response(body=self.now.isoformat())
            if place == "plan":
                self.plan = Plan.from_json(given or {})
                return Response(body=self.plan.to_json())
            if place == "keys":
                self.keys, self.expired = dict(given["keys"]), set(given.get("expired", ()))
                return Response(body="ok")
            if place == "journal":
                return Response(body=[asdict(entry) for entry in self.journal])
            if place in self.desks:
                return Response(body=self.desks[place].control(what, given))
        return Response(status=404, body={"message": f"the double has no {place}"})

    def _who(self, headers: dict[str, str], *, keyless: bool) -> str | None:
        key_id, secret = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
        if key_id is None and secret is None and keyless:
            return None
        if key_id is not None and key_id in self.expired:
            raise Refusal(403, "forbidden.", 40310000)
        if key_id is None or secret is None or self.keys.get(key_id) != secret:
            raise Refusal(401, "unauthorized.", 40110000)
        return key_id


class _Handler(BaseHTTPRequestHandler):
    """One connection; it stays open for several requests unless it is cut."""

    double: ClassVar[AlpacaDouble]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - the library's names

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr: there is the journal."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client is gone
            super().handle()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header: the double's clock, not the machine's."""
        return super().date_time_string(self.double.now.timestamp() if timestamp is None else timestamp)

    def _serve(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if target.path.startswith("/_double/"):
            self._send(self.double.control(target.path, body))
            return
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.double.lock:
            step = self.double.plan.decide(self.command, self.path, body)
        fault = step.fault if step else None
        if step and fault is Fault.HANG:
            time.sleep(step.seconds)
        handled = 0 if fault in UNHANDLED else 2 if fault is Fault.DUPLICATE else 1
        response = Response(status=0)
        for _ in range(handled):
            response = self.double.answer(self.command, target.path, query, body, headers)
        with self.double.lock:
            self.double.journal.append(
                Entry(
                    n=len(self.double.journal),
                    method=self.command,
                    path=target.path,
                    query=query,
                    body=body,
                    key_id=headers.get("apca-api-key-id"),
                    fault=fault,
                    handled=handled,
                    status=_status(step, response),
                )
            )
        self._send_spoilt(step, response) if step else self._send(response)

    def _send_spoilt(self, step: Step, response: Response) -> None:
        match step.fault:
            case Fault.RATE_LIMIT:
                wait = {} if step.retry_after is None else {"Retry-After": step.retry_after}
                self._send(Response(status=429, body={"code": 42910000, "message": "too many requests."}, headers=wait))
            case Fault.ERROR_BEFORE | Fault.ERROR_AFTER:
                self._send_text(step.status, HTML, "text/html")
            case Fault.CUT_BEFORE | Fault.CUT_AFTER:
                self._cut()
            case Fault.CUT_BODY:
                self._send(response, cut_at=step.cut_at)
            case Fault.TRUNCATED_JSON:
                text = json.dumps(response.body)
                self._send_text(response.status, text[: max(1, int(step.cut_at * len(text)))], "application/json")
            case Fault.NOT_JSON:
                self._send_text(200, HTML, "text/html")
            case Fault.EMPTY:
                self._send_text(200, "", "application/json")
            case Fault.DELAY:
                time.sleep(step.seconds)
                self._send(response)
            case Fault.DUPLICATE | Fault.HANG:
                self._send(response)

    def _send(self, response: Response, *, cut_at: float | None = None) -> None:
        text = "" if response.body is None else json.dumps(response.body)
        self._send_text(response.status, text, "application/json; charset=UTF-8", dict(response.headers), cut_at=cut_at)

    def _send_text(self, status: int, text: str, kind: str, headers: dict[str, str] | None = None, *, cut_at: float | None = None) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in {"X-Ratelimit-Limit": "200", "X-Request-Id": f"{len(self.double.journal):032x}", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if cut_at is None:
            self.wfile.write(content)
            self.wfile.flush()
            return
        self.wfile.write(content[: min(int(cut_at * len(content)), len(content) - 1)] if content else b"")
        self.wfile.flush()
        self._cut()

    def _cut(self) -> None:
        """End the connection at once: a reset, not an orderly close."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()


def _status(step: Step | None, response: Response) -> int | None:
    match step.fault if step else None:
        case Fault.RATE_LIMIT:
            return 429
        case Fault.ERROR_BEFORE | Fault.ERROR_AFTER:
            return step.status if step else None
        case Fault.CUT_BEFORE | Fault.CUT_AFTER:
            return None
        case Fault.NOT_JSON | Fault.EMPTY:
            return 200
        case _:
            return response.status


@contextlib.contextmanager
def serving(*desks: Desk, now: datetime | None = None) -> Iterator[AlpacaDouble]:
    """A double that serves these desks, until the block ends."""
    with AlpacaDouble(desks, now=now) as double:
        yield double
