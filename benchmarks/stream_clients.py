"""How soon a fill is with each of many clients of the stream, one of which reads nothing.

    python benchmarks/stream_clients.py                       1,000 clients, 300 fills, SQLite
    python benchmarks/stream_clients.py --clients 50 --fills 60
    python benchmarks/stream_clients.py --database postgresql://user@host/database

Three processes: this one writes fills into the trade state as an executor does (each committed and on the disk), `ats serve` follows it, and a third holds the clients: bare
sockets, so that what they cost does not count as the service's. The delay is from the return of the commit to the bytes at the client, by one machine's clock. It fails where
a client hears a fill twice or not at all, where the frozen one is not dropped, or where p99 is over the goal.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from ats_assets.trade_state import CONNECTION_VARIABLE, TradeState
from ats_assets.trade_state.tables import account_snapshots, fills, intents

GOAL_MILLISECONDS = 100.0
OPEN_FILES = 8_192
PAUSE_SECONDS = 0.15
"""Between two fills, on average."""
INTENTS = 3_000
"""Of the session; their snapshot is what the frozen client does not take."""
SESSION = date(2024, 3, 4)
TOPICS = ["fills", "positions", "account", "halts"]
_FILL = re.compile(rb'"fill_id":"f(\d+)"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--fills", type=int, default=300)
    parser.add_argument("--database", help="of PostgreSQL, empty; default: SQLite in a temporary folder")
    parser.add_argument("--as-clients", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, max(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    if asked.as_clients:
        asyncio.run(_be_clients(asked.as_clients, asked.clients))
        return
    with tempfile.TemporaryDirectory(prefix="ats-stream-") as folder:
        _measure(Path(folder), asked.clients, asked.fills, asked.database)


def _measure(home: Path, clients: int, count: int, database: str | None) -> None:
    (home / "ats.toml").write_text("[serving.stream]\nheartbeat_seconds = 2.0\nstalled_seconds = 4.0\n", encoding="utf-8")
    url = database or f"sqlite:///{home / 'data' / 'trade_state.sqlite'}"
    environment = os.environ | {"ATS_SETTINGS": str(home / "ats.toml"), CONNECTION_VARIABLE: url}
    port = _free_port()
    with TradeState(url) as state:
        _begin_session(state)
        serving = [sys.executable, "-m", "ats_assets.cli", "serve", "--port", str(port)]
        service = subprocess.Popen(serving, env=environment, cwd=home, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            listening = [sys.executable, __file__, "--clients", str(clients), "--as-clients", str(port)]
            audience = subprocess.Popen(listening, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert audience.stdout is not None, "it is a pipe"
            assert audience.stdin is not None, "it is a pipe"
            if audience.stdout.readline() != "ready\n":
                raise SystemExit("the clients could not connect")
            connected = _sockets(service.pid)
            time.sleep(6.0)  # the feed is at rest, and looks as seldom as it does
            quiet, began = _cpu_seconds(service.pid), time.monotonic()
            time.sleep(3.0)
            at_rest = (_cpu_seconds(service.pid) - quiet) / (time.monotonic() - began)
            before = _cpu_seconds(service.pid)
            committed = _write_fills(state, count)
            time.sleep(1.0)
            used = _cpu_seconds(service.pid) - before
            time.sleep(max(0.0, 18.0 - 2 * count * PAUSE_SECONDS))  # until the frozen client is dropped, and let go
            dropped = connected - _sockets(service.pid)
            audience.stdin.write("end\n")
            audience.stdin.flush()
            heard = json.loads(audience.stdout.readline())
            audience.wait()
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
    _report(clients, committed, heard | {"dropped": dropped}, at_rest, used)


def _report(clients: int, committed: list[float], heard: dict[str, Any], at_rest: float, used: float) -> None:
    delays = sorted(1000 * (at - committed[int(number) - 1]) for number, times in heard["fills"].items() for at in times)
    expected = clients * len(committed)
    p50, p99 = (delays[min(len(delays) - 1, int(len(delays) * share))] for share in (0.5, 0.99))
    print(f"{clients} clients and a frozen one, {len(committed)} fills: {len(delays)} of {expected} heard, {heard['twice']} twice")
    print(
        f"from commit to client: median {p50:.1f} ms, p99 {p99:.1f} ms, longest {delays[-1]:.1f} ms (goal: p99 < {GOAL_MILLISECONDS:.0f} ms)"
    )
    print(
        f"dropped: {heard['dropped']}, which must be the frozen client alone; the service: {100 * at_rest:.2f} % of a core at rest, {1000 * used / len(committed):.1f} ms of it a fill"
    )
    wrong = len(delays) != expected or heard["twice"] or heard["dropped"] != 1 or p99 >= GOAL_MILLISECONDS
    sys.exit(1 if wrong else 0)


def _begin_session(state: TradeState) -> None:
    at = datetime.now(UTC)
    money = {"cash": Decimal(10**6), "equity": Decimal(10**6), "buying_power": Decimal(10**6)}
    planned = [
        {
            "client_order_id": f"main-20240304-S{number:04}-open",
            "session": SESSION,
            "strategy": "main",
            "symbol": f"S{number:04}",
            "side": "buy",
            "leg": "open",
            "quantity": Decimal(10),
            "kind": "market",
            "decision_price": Decimal("10.5"),
            "state": "accepted",
            "attempts": 1,
            "planned_at": at,
            "updated_at": at,
        }
        for number in range(INTENTS)
    ]
    with state.begin() as connection:
        snapshot = {"kind": "baseline", "broker": "paper", "account_id": "a", "at": at, "trading_blocked": False}
        connection.execute(account_snapshots.insert().values(**snapshot, **money))
        connection.execute(intents.insert(), planned)


def _write_fills(state: TradeState, count: int) -> list[float]:
    """Write fills; when each commit had returned."""
    random, committed = Random(7), []
    with state.begin() as connection:
        baseline = connection.execute(select(account_snapshots.c.id)).scalar_one()
    for number in range(1, count + 1):
        time.sleep(random.uniform(0, 2 * PAUSE_SECONDS))
        symbol, at = f"S{random.randrange(INTENTS):04}", datetime.now(UTC)
        name = f"main-20240304-{symbol}-open"
        of = {"broker_order_id": f"b-{symbol}", "client_order_id": name, "intent_id": name, "baseline_id": baseline}
        what = {"symbol": symbol, "side": "buy", "quantity": Decimal(1), "price": Decimal("10.25"), "fees": Decimal(0)}
        with state.begin() as connection:
            connection.execute(fills.insert().values(fill_id=f"f{number}", at=at, recorded_at=at, **of, **what))
        committed.append(time.time())
    return committed


def _cpu_seconds(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


def _sockets(pid: int) -> int:
    return sum(str(one.readlink()).startswith("socket:") for one in Path(f"/proc/{pid}/fd").iterdir())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("ats serve does not start")


@dataclass
class Heard:
    """What all clients have heard."""

    fills: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    twice: int = 0
    ready: int = 0


class Client(asyncio.Protocol):
    """One client: it says what it wants, and notes when each fill came."""

    def __init__(self, port: int, heard: Heard) -> None:
        self._port, self._heard = port, heard
        self._rest, self._upgraded = b"", False
        self._seen: set[int] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        _greet(transport, self._port)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        now = time.time()
        self._rest += data
        if not self._upgraded:
            if b"\r\n\r\n" not in self._rest:
                return
            self._upgraded, self._rest = True, self._rest.partition(b"\r\n\r\n")[2]
            self.transport.write(_frame(json.dumps({"type": "subscribe", "topics": TOPICS}).encode()))
        while (message := self._next()) is not None:
            if b'"type":"snapshot"' in message and b'"topic":"halts"' in message:
                self._heard.ready += 1
            elif b'"type":"delta"' in message and b'"topic":"fills"' in message:
                for found in _FILL.findall(message):
                    number = int(found)
                    self._heard.twice += number in self._seen
                    self._seen.add(number)
                    self._heard.fills[number].append(now)

    def _next(self) -> bytes | None:
        """The next whole frame."""
        if len(self._rest) < 2:
            return None
        length, start = self._rest[1], 2
        if length == 126:
            length, start = (struct.unpack_from("!H", self._rest, 2)[0], 4) if len(self._rest) >= 4 else (1 << 30, 4)
        elif length == 127:
            length, start = (struct.unpack_from("!Q", self._rest, 2)[0], 10) if len(self._rest) >= 10 else (1 << 30, 10)
        if len(self._rest) < start + length:
            return None
        opcode, message = self._rest[0] & 15, self._rest[start : start + length]
        self._rest = self._rest[start + length :]
        if opcode == 9:
            self.transport.write(_frame(message, opcode=10))
        return message


class Frozen(asyncio.Protocol):
    """A client that asks for everything and reads nothing; its end is seen at the service."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        _greet(transport, self._port)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002, D102
        self.transport.write(_frame(json.dumps({"type": "subscribe", "topics": ["orders", *TOPICS]}).encode()))
        self.transport.pause_reading()


def _greet(transport: asyncio.Transport, port: int) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /api/v1/stream HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    transport.write("\r\n".join([*lines, f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]).encode())


def _frame(payload: bytes, opcode: int = 1) -> bytes:
    length = bytes([128 | len(payload)]) if len(payload) < 126 else bytes([254]) + struct.pack("!H", len(payload))
    return bytes([128 | opcode]) + length + bytes(4) + payload  # masked with zeros


async def _be_clients(port: int, count: int) -> None:
    loop, heard = asyncio.get_running_loop(), Heard()
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await loop.sock_connect(narrow, ("127.0.0.1", port))
    await loop.create_connection(lambda: Frozen(port), sock=narrow)
    for _ in range(count):
        await loop.create_connection(lambda: Client(port, heard), "127.0.0.1", port)
    while heard.ready < count:
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    print(json.dumps({"fills": heard.fills, "twice": heard.twice}), flush=True)


if __name__ == "__main__":
    main()
