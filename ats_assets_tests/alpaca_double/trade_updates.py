"""The double's WebSocket stream `trade_updates`, in a thread, and how it misbehaves.

Messages as in Alpaca's documentation ("WebSocket streaming", "Trade updates"): JSON in binary frames; the actions `authenticate` and `listen` in; the streams
`authorization`, `listening` and `trade_updates` out. Connections that listen get what happens from then on, nothing that was before.
"""

import asyncio
import contextlib
import json
import logging
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.http11 import Request, Response

from ats_assets_tests.alpaca_double.server import AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading

_silent = logging.getLogger(__name__)
_silent.setLevel(logging.CRITICAL)  # its frames hold the keys, and a test looks for these in all output


class Point(StrEnum):
    """Where in a connection something may go wrong."""

    HANDSHAKE = "handshake"
    CONNECTED = "connected"
    AUTHENTICATE = "authenticate"
    """The keys have come; nothing is answered yet."""
    AUTHORIZED = "authorized"
    """They are answered."""
    LISTEN = "listen"
    LISTENING = "listening"
    EVENT = "event"
    """One is about to be sent."""
    SENT = "sent"


class Mishap(StrEnum):
    """What goes wrong there."""

    CUT = "cut"
    """A reset, without a close frame."""
    CLOSE = "close"
    """In good order, with a reason that repeats what the client has sent: a server that says too much."""
    MUTE = "mute"
    """From here on nothing is said nor heard, pings among it, but the connection stays."""
    NOT_JSON = "not_json"
    """In place of the message: HTML."""
    NO_MESSAGE = "no_message"
    """In place of it: JSON of no documented form."""
    DROP = "drop"
    """The message is left out."""
    TWICE = "twice"
    LATE = "late"
    """After the event that follows it."""
    HALF = "half"
    """The first half of the frame, then a cut."""
    REFUSE = "refuse"
    """HTTP 503 at the handshake; later, `unauthorized`, whatever the keys are."""
    REDIRECT = "redirect"
    """At the handshake: to another name of this server."""


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A mishap at the `first` time that the point is passed, counted from 1 over all connections, and `times` in all (None: from then on always)."""

    point: Point
    mishap: Mishap
    first: int = 1
    times: int | None = 1


@dataclass(eq=False)
class _Client:
    ws: ServerConnection
    said: str = ""
    authorized: bool = False
    listens: bool = False
    mute: bool = False
    held_back: list[bytes] = field(default_factory=list)


class TradeUpdatesDouble:
    """The stream of a double's trading desk: `with AlpacaDouble([reference, trading]) as double, TradeUpdatesDouble(double, trading) as stream:`, then settings
    with stream_url = stream.url. `slips` may be changed at any time; the keys are the double's.
    """

    def __init__(self, double: AlpacaDouble, trading: Trading, *slips: Slip, port: int = 0) -> None:
        self.double = double
        self.trading = trading
        self.slips = slips
        self.passed: Counter[Point] = Counter()
        self.messages: list[dict[str, Any]] = []
        """What clients have sent."""
        self.events: list[dict[str, Any]] = []
        """What has happened, whether it was sent or not."""
        self.url = ""
        self._port = port
        self._clients: set[_Client] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(lambda: bool(self.url), 10)
        self.trading.listeners.append(self._happened)
        return self

    def __exit__(self, *_: object) -> None:
        self.trading.listeners.remove(self._happened)
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def reached(self, point: Point, times: int = 1, seconds: float = 20) -> None:
        """Wait until the point was passed so often; an AssertionError where it is not."""
        self._wait(lambda: self.passed[point] >= times, seconds)

    def cut_all(self) -> None:
        """Cut the connections that there are."""
        self._loop.call_soon_threadsafe(lambda: [_cut(client.ws) for client in list(self._clients)])

    def _wait(self, done: Any, seconds: float) -> None:
        with self._changed:
            assert self._changed.wait_for(done, seconds), f"not within {seconds} s; passed: {dict(self.passed)}"

    def _happened(self, data: dict[str, Any]) -> None:
        message = json.loads(json.dumps({"stream": "trade_updates", "data": data}))  # as it is now: the order goes on changing
        self.events.append(message)
        self._loop.call_soon_threadsafe(self._outgoing.put_nowait, message)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop: asyncio.Event = asyncio.Event()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        server: Server
        async with serve(
            self._talk, "127.0.0.1", self._port, process_request=self._handshake, ping_interval=None, close_timeout=0.2, logger=_silent
        ) as server:
            with self._changed:
                self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"
                self._changed.notify_all()
            sending = asyncio.create_task(self._send_events())
            await self._stop.wait()
            sending.cancel()
            for client in list(self._clients):
                _cut(client.ws)

    def _pass(self, point: Point) -> Mishap | None:
        with self._changed:
            self.passed[point] += 1
            self._changed.notify_all()
            n = self.passed[point]
        for slip in self.slips:
            if slip.point is point and n >= slip.first and (slip.times is None or n < slip.first + slip.times):
                return slip.mishap
        return None

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        match self._pass(Point.HANDSHAKE):
            case None:
                return None if request.path == "/stream" else connection.respond(HTTPStatus.NOT_FOUND, "no such stream\n")
            case Mishap.CUT:
                _cut(connection)
                return None
            case Mishap.REDIRECT:
                response = connection.respond(HTTPStatus.FOUND, "")
                response.headers["Location"] = self.url.replace("127.0.0.1", "localhost")
                return response
            case _:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable\n")

    async def _talk(self, ws: ServerConnection) -> None:
        client = _Client(ws)
        self._clients.add(client)
        try:
            await self._pass_with(client, Point.CONNECTED)
            async for frame in ws:
                client.said = frame if isinstance(frame, str) else frame.decode()
                await self._answer(client, json.loads(client.said))
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    async def _answer(self, client: _Client, message: dict[str, Any]) -> None:
        self.messages.append(message)
        data = message.get("data") or {}
        if message.get("action") == "authenticate":
            key_id = data.get("key_id")
            right = key_id not in self.double.expired and self.double.keys.get(key_id) == data.get("secret_key")
            mishap = self._pass(Point.AUTHENTICATE)
            client.authorized = right and mishap is not Mishap.REFUSE
            status = "authorized" if client.authorized else "unauthorized"
            await self._say(client, {"stream": "authorization", "data": {"status": status, "action": "authenticate"}}, mishap)
            await self._pass_with(client, Point.AUTHORIZED)
        elif message.get("action") == "listen":
            mishap = self._pass(Point.LISTEN)
            if not client.authorized or mishap is Mishap.REFUSE:
                await self._say(client, {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}, mishap)
                return
            client.listens = "trade_updates" in data.get("streams", ())
            streams = ["trade_updates"] if client.listens else []
            await self._say(client, {"stream": "listening", "data": {"streams": streams}}, mishap)
            await self._pass_with(client, Point.LISTENING)

    async def _send_events(self) -> None:
        while True:
            message = await self._outgoing.get()
            for client in [one for one in self._clients if one.listens]:
                with contextlib.suppress(ConnectionClosed):
                    mishap = self._pass(Point.EVENT)
                    if mishap is Mishap.LATE:
                        client.held_back.append(json.dumps(message).encode())
                        continue
                    await self._say(client, message, mishap)
                    for late in client.held_back:
                        await client.ws.send(late)
                    client.held_back.clear()
                    await self._pass_with(client, Point.SENT)

    async def _pass_with(self, client: _Client, point: Point) -> None:
        mishap = self._pass(point)
        if mishap is not None:
            await self._spoil(client, b"", mishap)

    async def _say(self, client: _Client, message: dict[str, Any], mishap: Mishap | None) -> None:
        frame = json.dumps(message).encode()
        if client.mute:
            return
        if mishap in (None, Mishap.REFUSE):
            await client.ws.send(frame)  # binary, as on wss://paper-api.alpaca.markets/stream
        else:
            await self._spoil(client, frame, mishap)

    async def _spoil(self, client: _Client, frame: bytes, mishap: Mishap | None) -> None:
        ws = client.ws
        match mishap:
            case Mishap.CUT:
                _cut(ws)
            case Mishap.CLOSE:
                await ws.close(1011, client.said[:120])
            case Mishap.MUTE:
                client.mute = True
                ws.transport.pause_reading()
            case Mishap.NOT_JSON:
                await ws.send(b"<html><body>502 Bad Gateway</body></html>")
            case Mishap.NO_MESSAGE:
                for odd in (b"[]", b"7", b'{"stream": 5}', b'{"stream": "trade_updates"}', b"\xff\xfe", b""):
                    await ws.send(odd)
            case Mishap.TWICE:
                await ws.send(frame)
                await ws.send(frame)
            case Mishap.HALF:
                head = bytes([0x80 | Opcode.BINARY, 126]) + struct.pack("!H", len(frame))
                ws.transport.write(head + frame[: len(frame) // 2])
                await asyncio.sleep(0.01)
                _cut(ws)
            case _:
                pass


def _cut(ws: ServerConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ws.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.transport.abort()
