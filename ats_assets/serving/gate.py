"""What every request passes first, and every answer last.

1. The Host header must be one of the service's names: a web page elsewhere may not reach it by a name of its own that it lets point here (DNS rebinding). A WebSocket's Origin
   likewise, and one of a browser that writes.
2. Who asks: a key (`Authorization: Bearer`), the cookie of a browser's session, or this machine where reading is open. A wrong key is an error on every path, and an address that
   tries many waits.
3. How often, by key; how large.
4. Of the answer: headers that browsers keep to, one line in the access log without query or headers, and its figures.

It is an ASGI application around the other one, not a Starlette middleware: those cost as much as a whole answer does here.
"""

import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from ats_assets.errors import AtsError
from ats_assets.serving.access_log import access
from ats_assets.serving.browser_sessions import COOKIE
from ats_assets.serving.entity_tags import is_known
from ats_assets.serving.keys import KeyFileError, WrongKeyError, without_keys
from ats_assets.serving.problems import Problem, as_problem, problem_answer, unexpected
from ats_assets.serving.roles import NOBODY, OPEN, Caller, Role
from ats_assets.serving.served import Service, is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLER = "ats.caller"
"""Of the scope: the `Caller`."""
_TAKES_NOTHING = {"GET", "HEAD", "OPTIONS"}
_FORWARDED = {"forwarded", "via", "x-forwarded-for", "x-real-ip"}
"""What a proxy says: whoever asks through one is somewhere else."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "private, no-cache",
}
"""Of each answer that says nothing else."""


class Gate:
    """Guards an ASGI application.

    Parameters
    ----------
    app
        What answers.
    service
        Whose keys, sessions and limits hold.
    """

    def __init__(self, app: App, service: Service) -> None:
        self._app, self._service = app, service
        headers = _HEADERS | ({"strict-transport-security": "max-age=31536000"} if service.settings.https else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer what is wrong with it."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answered(send, self._headers)
        limited = _Limited(receive, self._service.settings.max_body_bytes)
        began = time.perf_counter()
        scope[CALLER] = NOBODY
        try:
            headers = _headers(scope)
            self._admit(scope, headers)
            if not await self._answer_at_once(scope, headers, answer):
                await self._app(scope, limited, answer)
        except Problem as problem:
            await _tell(problem, scope, receive, answer)
        except AtsError as error:  # the file of the keys can't be read: nobody gets in
            await _tell(as_problem(error), scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asks gets an answer and the log the traceback
            if not answer.status:  # else it is told and logged already
                await _tell(unexpected(error, scope["path"]), scope, receive, answer)
        finally:
            self._note(scope, answer, time.perf_counter() - began)

    async def _answer_at_once(self, scope: Scope, headers: dict[str, str], answer: "_Answered") -> bool:
        """Answer with the bytes that are kept of the same question; whether there were any."""
        if scope["method"] != "GET" or not scope[CALLER].role.includes(Role.READ):
            return False
        found = self._service.ready.find(scope["path"], scope["query_string"])
        if found is None:
            return False
        answer.route = found.route
        squeezed = found.compressed is not None and "gzip" in headers.get("accept-encoding", "")
        body, tag = (found.compressed or b"", found.compressed_tag) if squeezed else (found.body, found.tag)
        told = [(b"etag", tag.encode()), (b"vary", b"accept-encoding")]
        if (known := headers.get("if-none-match")) is not None and is_known(found.tag, known):
            await answer({"type": "http.response.start", "status": 304, "headers": told})
            await answer({"type": "http.response.body", "body": b""})
            return True
        told += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        told += [(b"content-encoding", b"gzip")] if squeezed else []
        await answer({"type": "http.response.start", "status": 200, "headers": told})
        await answer({"type": "http.response.body", "body": body})
        return True

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket; who sends a wrong key is not let in, who sends none may say it in the first message."""
        try:
            headers = _headers(scope)
            self._require_host(headers)
            self._require_origin(headers, scope)
            scope[CALLER] = self._caller(scope, headers)
        except (Problem, AtsError) as error:
            problem = error if isinstance(error, Problem) else as_problem(error)
            access.info("%s - WEBSOCKET %s refused: %s", _address(scope), scope["path"], problem.kind)
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem.kind})
            return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope, headers: dict[str, str]) -> None:
        self._require_host(headers)
        try:
            scope[CALLER] = caller = self._caller(scope, headers)
        except KeyFileError:  # nobody gets in; that the process lives may be known
            if scope["path"] != "/health":
                raise
            caller = scope[CALLER] = _at(NOBODY, _address(scope))
        wait = self._service.requests.wait(caller.key_id or caller.address)
        if wait:
            raise _too_many(wait, f"more than {self._service.settings.requests_per_minute} requests a minute")
        if scope["method"] not in _TAKES_NOTHING:
            self._require_origin(headers, scope)
            length, most = headers.get("content-length", "0"), self._service.settings.max_body_bytes
            if not length.isdecimal() or int(length) > most:
                raise too_large(most)

    def _require_host(self, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if self._service.hosts and _without_port(host) not in self._service.hosts:
            raise Problem(
                400,
                "unknown-host",
                "the Host header names no host of this service: ask it by its address, or add the name to serving.hosts",
            )

    def _require_origin(self, headers: dict[str, str], scope: Scope) -> None:
        """A browser says which page asks: this service's own, or one of `serving.origins`."""
        origin = headers.get("origin")
        if origin is None or origin in self._service.settings.origins:
            return
        if urlsplit(origin).netloc.casefold() != headers.get("host", "").casefold():
            raise Problem(403, "other-origin", f"a page of {origin[:100]} may not ask {scope['path']}: add it to serving.origins if it may")

    def _caller(self, scope: Scope, headers: dict[str, str]) -> Caller:
        address = _address(scope)
        shown = headers.get("authorization")
        if shown is not None:
            return caller_with(self._service, shown.partition(" ")[2].strip() if shown[:7].casefold() == "bearer " else "", address)
        if (session := _session(headers)) and (key_id := self._service.sessions.key_id(session)):
            try:
                return _at(self._service.keys.caller_of_id(key_id), address, session)
            except WrongKeyError:
                return _at(NOBODY, address)
        from_here = is_loopback(address) and not _FORWARDED & headers.keys()
        return _at(OPEN if from_here and self._service.reads_openly else NOBODY, address)

    def _note(self, scope: Scope, answer: "_Answered", seconds: float) -> None:
        caller, route = scope[CALLER], answer.route or getattr(scope.get("route"), "path", None)
        self._service.metrics.observe(route, scope["method"], answer.status, seconds)
        line = "%s %s %s %s %d %d bytes %.1f ms"
        path = without_keys(scope["path"].encode("unicode_escape").decode()[:200])
        access.info(line, _address(scope), caller.name or "-", scope["method"], path, answer.status, answer.size, seconds * 1000)


def caller_with(service: Service, key: str, address: str) -> Caller:
    """Who shows a key, in a header, a login or the first message of a WebSocket.

    A right one is always taken: nobody guesses 256 bits, and bots, scrapers and browsers of one machine have one address, on which a key that has ended would shut out all.

    Raises
    ------
    Problem
        401 where it opens nothing; 429 where the address has tried too many that do.
    """
    try:
        return _at(service.keys.caller(key), address)
    except WrongKeyError as error:
        if wait := service.wrong_keys.wait(address):
            raise _too_many(wait, "too many wrong keys from this address") from None
        raise wrong_key(error) from None


def wrong_key(error: WrongKeyError) -> Problem:
    """A key that opens nothing, and what to do."""
    what = {"expired": f"the key {error.name!r} has expired", "revoked": f"the key {error.name!r} was revoked"}.get(
        error.why, "this is no key of the service"
    )
    kind = f"{error.why}-key" if error.why in {"expired", "revoked"} else "wrong-key"
    detail = f"{what}: send Authorization: Bearer ats_… with a valid one; ats serve key add makes one"
    return Problem(
        401, kind, detail, headers={"www-authenticate": f'Bearer realm="ats", error="invalid_token", error_description="{kind}"'}
    )


def too_large(most: int) -> Problem:
    """The body is larger than it may be."""
    return Problem(
        413, "too-large", f"the request's body may have {most:,} bytes (serving.max_body_bytes)", headers={"connection": "close"}
    )


def _too_many(wait: float, what: str) -> Problem:
    seconds = math.ceil(wait)
    return Problem(429, "too-many-requests", f"{what}: wait {seconds} s", headers={"retry-after": str(seconds)})


async def _tell(problem: Problem, scope: Scope, receive: Receive, answer: "_Answered") -> None:
    if not answer.status:
        await problem_answer(problem, scope["path"])(scope, receive, answer)


class _Answered:
    """Sends an answer on with the headers that each has, and notes its status and size."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send, self._headers = send, headers
        self.status = self.size = 0
        self.route: str | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = list(message.get("headers", ()))
            there = {name for name, _ in told}
            message["headers"] = told + [header for header in self._headers if header[0] not in there]
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


class _Limited:
    """Receives a body up to a size: where its length was not said, what comes is counted."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._size = receive, most, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise too_large(self._most)
        return message


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "local"


def _at(caller: Caller, address: str, session: str = "") -> Caller:
    return Caller(
        name=caller.name,
        role=caller.role,
        key_id=caller.key_id,
        speaks_for_others=caller.speaks_for_others,
        session=session,
        address=address,
    )


def _session(headers: dict[str, str]) -> str:
    """Our own cookie alone is read: a browser sends those of all programs on this machine, whatever their port, and a strict reader gives up at the first odd one."""
    for cookie in headers.get("cookie", "").split(";"):
        name, _, value = cookie.partition("=")
        if name.strip() == COOKIE:
            return value.strip()
    return ""


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).casefold()
