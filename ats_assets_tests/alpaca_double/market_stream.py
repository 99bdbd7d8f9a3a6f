"""The double's WebSocket stream of market data, and how it misbehaves.

Messages as in Alpaca's documentation ("Real-time stock data"): arrays of JSON in text frames; the actions `auth` and `subscribe` in; `success`, `subscription`, `error`, and data out.
"""

import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from ats_assets_tests.alpaca_double.server import KEY_ID, SECRET_KEY

_silent = logging.getLogger(__name__)
_silent.setLevel(logging.CRITICAL)  # its frames hold the keys
CHANNELS = {"b": "bars", "u": "updatedBars", "q": "quotes", "t": "trades", "s": "statuses"}


class Odd(StrEnum):
    """What goes wrong with one connection, counted from the first."""

    REFUSED = "refused"
    """Cut at once."""
    NO_WELCOME = "no_welcome"
    BUSY = "busy"
    """`connection limit exceeded`."""
    NOT_JSON = "not_json"
    FEWER = "fewer"
    """It subscribes to less than was asked for."""
    NO_PLAN = "no_plan"
    """`insufficient subscription`."""


@dataclass(eq=False)
class _Client:
    ws: ServerConnection
    wanted: dict[str, list[str]] = field(default_factory=dict)


class MarketStreamDouble:
    """`with MarketStreamDouble() as stream:`, then `live.streams = {"alpaca": {"url": stream.url}}` in the settings.

    Parameters
    ----------
    odd
        Of each connection in turn; those after the last work.
    """

    def __init__(self, *odd: Odd | None, port: int = 0) -> None:
        self.odd = list(odd)
        self.asked: list[dict[str, Any]] = []
        """What clients have sent, keys left out."""
        self.connections = 0
        self._port = port
        self._clients: list[_Client] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self._server: Server = serve(self._talk, "127.0.0.1", self._port, logger=_silent, ping_interval=None, close_timeout=0.2)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_all()
        self._server.shutdown()
        self._thread.join()

    def send(self, *messages: Mapping[str, Any]) -> None:
        """To each client what it has subscribed to, in one frame."""
        for client in list(self._clients):
            wanted = [one for one in messages if one["S"] in client.wanted.get(CHANNELS[one["T"]], ())]
            if wanted:
                with contextlib.suppress(ConnectionClosed):
                    client.ws.send(json.dumps(wanted))

    def send_text(self, text: str) -> None:
        """Whatever it is."""
        for client in list(self._clients):
            client.ws.send(text)

    def cut_all(self) -> None:
        """Cut the connections that there are, without a close frame."""
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.ws.socket.shutdown(socket.SHUT_RDWR)

    def listened(self, times: int = 1, seconds: float = 20.0) -> None:
        """Wait until so many clients have subscribed, over all connections."""
        until = time.monotonic() + seconds
        while sum(one.get("action") == "subscribe" for one in self.asked) < times or not self._clients:
            assert time.monotonic() < until, f"not within {seconds} s: {self.asked}"
            time.sleep(0.01)

    def _talk(self, ws: ServerConnection) -> None:
        with self._changed:
            odd = self.odd[self.connections] if self.connections < len(self.odd) else None
            self.connections += 1
        client = _Client(ws)
        try:
            if odd is Odd.REFUSED:
                return
            if odd is not Odd.NO_WELCOME:
                ws.send(json.dumps([{"T": "success", "msg": "connected"}]))
            for frame in ws:
                self._answer(client, json.loads(frame), odd)
        except ConnectionClosed:
            pass
        finally:
            if client in self._clients:
                self._clients.remove(client)

    def _answer(self, client: _Client, message: dict[str, Any], odd: Odd | None) -> None:
        self.asked.append({name: value for name, value in message.items() if name not in {"key", "secret"}})
        if message.get("action") == "auth":
            right = (message.get("key"), message.get("secret")) == (KEY_ID, SECRET_KEY)
            self._say(client, _authenticated(right, odd))
        elif message.get("action") == "subscribe":
            wanted = {name: message.get(name, []) for name in (*CHANNELS.values(), "dailyBars", "lulds", "corrections", "cancelErrors")}
            told = wanted | ({"bars": wanted["bars"][:-1]} if odd is Odd.FEWER else {})
            if odd is Odd.NO_PLAN:
                self._say(client, [{"T": "error", "code": 409, "msg": "insufficient subscription"}])
                return
            self._say(client, [{"T": "subscription", **told}])
            client.wanted = wanted
            self._clients.append(client)
            if odd is Odd.NOT_JSON:
                client.ws.send("<html><body>502 Bad Gateway</body></html>")

    @staticmethod
    def _say(client: _Client, messages: Sequence[Mapping[str, Any]]) -> None:
        client.ws.send(json.dumps(messages))


def _authenticated(right: bool, odd: Odd | None) -> list[dict[str, Any]]:
    if odd is Odd.BUSY:
        return [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]
    return [{"T": "success", "msg": "authenticated"}] if right else [{"T": "error", "code": 402, "msg": "auth failed"}]
