"""The service's requests as its API has them, with faults that the real one can't be asked for: answers that are lost, a database that is locked, an executor that is late.

The real service answers the bots in `ats_assets_tests/serving/test_bots.py`.
"""

import contextlib
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from ats_assets_tests.bots.telegram_double import served

KEY = "ats_bots_k3yOfTheBots0123456789"


@dataclass
class ServiceDouble:
    """What was asked for, and how it answers."""

    address: str = ""
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    takes_up: bool = True
    """Whether there is an executor."""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, deque[str]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def fail(self, path: str, *kinds: str) -> None:
        """The next answers of a path: `before` and `after` cut the connection, a number is the status."""
        self.faults.setdefault(path, deque()).extend(kinds)

    inner: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    """What a test puts before the answers."""

    async def served(self, request: web.Request) -> web.StreamResponse:
        """Answer, by way of what a test puts before."""
        return await (self.inner or self.handle)(request)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        path = request.path.removeprefix("/api/v1/")
        self.seen.append((request.method, path))
        fault = self.faults[path].popleft() if self.faults.get(path) else None
        if fault == "before":
            return _cut(request)
        if fault and fault.isdigit():
            return _problem(int(fault), "the trade state is locked. Ask again", {"Retry-After": "0"} if fault == "503" else {})
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _problem(401, "this is no key of the service")
        answer = await self._answer(request, path)
        return _cut(request) if fault == "after" else answer

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        if request.method == "POST" and path == "requests":
            return self._ask(await request.json(), request.headers)
        if request.method == "POST":
            made = self.requests[path.split("/")[1]]
            if (await request.json())["nonce"] != self.nonces.get(made["id"]):
                return _problem(409, "that does not confirm the request")
            made["state"] = "confirmed"
            self.nonces.pop(made["id"])
            return web.json_response(made)
        if path.startswith("requests/"):
            made = self.requests[path.split("/")[1]]
            if self.takes_up and made["state"] == "confirmed":
                made |= {"state": "done", "result": {}}
                if made["kind"] == "place_order":
                    made["order"] = {"client_order_id": f"manual-{made['id']}", "state": "accepted", "filled_average_price": None}
            return web.json_response(made)
        if path == "requests":
            return web.json_response({"data": list(self.requests.values()), "next": None})
        if path == "alerts":
            return web.json_response({"data": self.alerts[::-1], "next": None})
        if path == "me":
            return web.json_response({"name": "bots", "role": "trade"})
        return _problem(404, f"there is nothing at {request.path}")

    def _ask(self, content: dict[str, Any], headers: Any) -> web.StreamResponse:
        key = headers["Idempotency-Key"]
        if key in self.by_key:
            made = self.requests[self.by_key[key]]
        else:
            id_ = f"20240301T000000-{secrets.token_hex(4)}"
            made = {
                "id": id_,
                **content,
                "asked_by": "bots",
                "on_behalf_of": headers["X-On-Behalf-Of"],
                "asked_at": datetime.now(UTC).isoformat(),
                "state": "confirmed" if content["kind"] == "halt" else "asked",
                "order": None,
                "result": None,
                "reason": None,
            }
            self.requests[id_], self.by_key[key] = made, id_
        nonce = None
        if made["state"] == "asked":
            nonce = self.nonces[made["id"]] = secrets.token_urlsafe(18)
        return web.json_response({"request": made, "nonce": nonce}, status=202)


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _problem(status: int, detail: str, headers: Any = None) -> web.Response:
    content = {"type": "urn:ats:problem:x", "title": "X", "status": status, "detail": detail}
    return web.json_response(content, status=status, headers=headers, content_type="application/problem+json")


@contextlib.asynccontextmanager
async def service_double() -> AsyncIterator[ServiceDouble]:
    """The service on a free port."""
    double = ServiceDouble()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", double.served)
    async with served(app) as double.address:
        yield double
