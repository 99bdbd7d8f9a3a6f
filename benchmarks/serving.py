"""`/signals` of 3,000 symbols and `/predict` of 500, asked of `ats serve` by other processes over loopback, beside a bare uvicorn that sends the same bytes.

Usage: python benchmarks/serving.py [--symbols 3000] [--rate 2000] [--seconds 5] [--connections 16] [--rounds 3] [--keep FOLDER]

The service is a process of its own on one processor, the clients are on the others. What is asked for is always the whole answer (200), never a 304; compressed and not. Printed are:

- the most requests a second, with so many connections that each ask again as soon as they are answered, and the ratio to the bare server, taken in turn in each round;
- the delays at a rate: requests are sent by the clock, whether the ones before are answered or not, and a delay counts from when one was due;
- /predict of 500 rows with 158 features, sent as JSON, and of a stored session, warm, and beside it the model's own time for the same rows.

On a machine that others use, the ratios alone say something.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SETTINGS = """
[calendar]
first_session = 2020-10-01
[storage]
fsync = false
[source.synthetic]
symbols = 500
first_session = 2021-01-04
last_session = 2021-03-05
[bars]
profile = false
max_rejected_share = 0.3
[universe]
min_history_sessions = 3
lookback_sessions = 10
size = 500
[training]
train_sessions = 20
validation_sessions = 5
min_train_sessions = 5
embargo_sessions = 1
refit = "weekly"
[mlflow]
enabled = false
[serving]
requests_per_minute = 0
"""
BARE = """
import sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
whole, squeezed = (Path(name).read_bytes() for name in sys.argv[2:4])
async def signals(request):
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(squeezed, media_type="application/json", headers={"content-encoding": "gzip"})
    return Response(whole, media_type="application/json")
uvicorn.run(Starlette(routes=[Route("/api/v1/signals", signals)]), host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""
PATH = "/api/v1/signals"


def main() -> None:
    """Make the deployment, serve it, ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=3_000)
    parser.add_argument("--rate", type=float, default=2_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the deployment here, or use the one that is here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = (asked.keep or Path(temporary)).absolute()
        made(home, asked.symbols)
        with served([sys.executable, "-m", "ats_assets.cli", "serve"], home) as server:
            whole, squeezed = fetched(server.port), fetched(server.port, "gzip")
            files = [home / "whole.json", home / "squeezed.gz"]
            for file, content in zip(files, (whole, squeezed), strict=True):
                file.write_bytes(content)
            print(f"/signals of {asked.symbols:,} symbols: {len(whole):,} bytes, {len(squeezed):,} compressed")
            with served([sys.executable, "-c", BARE], home, *map(str, files)) as bare:
                for encoding in ("gzip", "identity"):
                    compared(server, bare, encoding, asked)
            predicted(server.port)


def made(home: Path, symbols: int) -> None:
    """A synthetic market with a model, and signals of many symbols in its newest session."""
    if not (home / "ats.toml").is_file():
        home.mkdir(parents=True, exist_ok=True)
        (home / "ats.toml").write_text(SETTINGS)
        (home / "dagster.yaml").write_bytes((PROJECT / "dagster.yaml").read_bytes())
        subprocess.run(
            [sys.executable, "-m", "ats_assets.cli", "run", "--from", "2021-01-02"],
            env=environment(home),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    os.environ["ATS_SETTINGS"] = str(home / "ats.toml")
    import polars as pl

    from ats_assets.deployment import Deployment
    from ats_assets.settings import load_settings

    deployment = Deployment(load_settings())
    session = deployment.valid_sessions("signals")[-1]
    for asset in ("signals", "targets"):
        rows = deployment.warehouse.read(asset, [session])
        names = pl.DataFrame({"symbol": [f"SYM{n:05d}" for n in range(symbols)]})
        more = pl.concat([rows] * (symbols // rows.height + 1)).head(symbols).drop("symbol")
        frame = pl.concat([names, more], how="horizontal").select(rows.columns)
        numbers = [name for name, kind in frame.schema.items() if kind == pl.Float64]  # all others, as those of so many symbols are
        frame = frame.with_columns(pl.col(name) * (1 + pl.Series(drawn(n, symbols))) for n, name in enumerate(numbers))
        deployment.warehouse.write(asset, session, frame)


def drawn(seed: int, n: int) -> list[float]:
    """Random shares."""
    draw = random.Random(seed)
    return [draw.random() for _ in range(n)]


def environment(home: Path) -> dict[str, str]:
    """Of a command of the deployment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_"))}
    return kept | {"ATS_SETTINGS": str(home / "ats.toml"), "PYTHONPATH": str(PROJECT)}


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """That it has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(command: list[str], home: Path, *arguments: str) -> Iterator["Server"]:
    """A server on the first processor."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [*command, "--port", str(port)] if command[-1] == "serve" else [*command, str(port), *arguments]
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(line, env=environment(home), cwd=home, stderr=nowhere)
    os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})  # threads that it starts later are there, too
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                fetched(port)
                break
            time.sleep(0.1)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def fetched(port: int, encoding: str = "identity") -> bytes:
    """The body as it is sent."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", headers={"accept-encoding": encoding})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def compared(ours: Server, bare: Server, encoding: str, asked: argparse.Namespace) -> None:
    """The most requests a second of both, in turn, the processor's time for each, and the delays at a rate."""
    rates: dict[Server, list[float]] = {ours: [], bare: []}
    costs: dict[Server, list[float]] = {ours: [], bare: []}
    for _ in range(asked.rounds):
        for one in (ours, bare):
            before = one.processor_seconds()
            answered, rate = in_another_process(closed_loop, one.port, encoding, asked.connections, asked.seconds)
            rates[one].append(rate)
            costs[one].append((one.processor_seconds() - before) / answered)
    for name, one in (("service", ours), ("bare uvicorn and starlette", bare)):
        rate, cost = statistics.median(rates[one]), statistics.median(costs[one])
        print(f"{encoding}: {name}: {rate:,.0f} requests/s, {1e6 * cost:.0f} us of the processor each (at most {1 / cost:,.0f}/s)")
    ratio = statistics.median(a / b for a, b in zip(costs[bare], costs[ours], strict=True))
    print(f"{encoding}: as fast as the bare server: {ratio:.2f} of it, by the processor's time")
    for name, one in (("service", ours), ("bare", bare)):
        delays = in_another_process(open_loop, one.port, encoding, asked.rate, asked.seconds, asked.connections * 4)
        places = {"p50": 499, "p99": 989, "p99.9": 998}
        found = statistics.quantiles(delays, n=1000)
        told = ", ".join(f"{label} {1_000 * found[place]:.1f} ms" for label, place in places.items())
        print(f"{encoding}: {name} at {asked.rate:,.0f}/s for {asked.seconds:g} s: {told}, {len(delays):,} answers")


def in_another_process(work: Callable[..., object], *arguments: object):
    """Run it on the processors that the server has not."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_child, args=(there, work, arguments))
    process.start()
    found = here.recv()
    process.join()
    return found


def _child(pipe, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    others = set(sorted(os.sched_getaffinity(0))[1:])
    if others:
        os.sched_setaffinity(0, others)
    pipe.send(work(*arguments))


@dataclass
class Connection:
    """A kept connection, and how much of an answer is still to come."""

    socket: socket.socket
    left: int = 0
    head: bytearray = field(default_factory=bytearray)
    due: float = 0.0

    def ask(self, request: bytes, due: float) -> None:
        """Send the request."""
        self.left, self.due = -1, due
        self.head.clear()
        self.socket.sendall(request)

    def read(self, buffer: memoryview) -> bool:
        """Take what has come; whether the answer is whole."""
        n = self.socket.recv_into(buffer)
        if not n:
            raise ConnectionError("the server has ended the connection")
        if self.left < 0:
            self.head += buffer[:n]
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.head[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                raise ConnectionError(head.split(b"\r\n")[0].decode())
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            self.left = length - (len(self.head) - end - 4)
        else:
            self.left -= n
        return self.left == 0


def connections(port: int, n: int, encoding: str) -> tuple[list[Connection], bytes, selectors.BaseSelector]:
    """Open connections, the request, and what waits for answers."""
    made = [Connection(socket.create_connection(("127.0.0.1", port))) for _ in range(n)]
    waiting = selectors.DefaultSelector()
    for one in made:
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(one.socket, selectors.EVENT_READ, one)
    request = f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept-encoding: {encoding}\r\n\r\n".encode()
    return made, request, waiting


def closed_loop(port: int, encoding: str, n: int, seconds: float) -> tuple[int, float]:
    """Requests in all, and a second, where each connection asks again as soon as it is answered; half a second is for warming up."""
    made, request, waiting = connections(port, n, encoding)
    buffer, early, answered, began = memoryview(bytearray(1 << 20)), 0, 0, time.perf_counter() + 0.5
    for one in made:
        one.ask(request, 0.0)
    while (now := time.perf_counter()) < began + seconds:
        for key, _ in waiting.select(1.0):
            if key.data.read(buffer):
                early += now < began
                answered += now >= began
                key.data.ask(request, 0.0)
    return early + answered, answered / seconds


def open_loop(port: int, encoding: str, rate: float, seconds: float, n: int) -> list[float]:
    """Seconds from when each request was due until its answer was whole."""
    made, request, waiting = connections(port, n, encoding)
    buffer, free, delays = memoryview(bytearray(1 << 20)), made, list[float]()
    begin = time.perf_counter() + 0.2
    sent, total = 0, int(rate * seconds)
    while len(delays) < total:
        now = time.perf_counter()
        while sent < total and free and begin + sent / rate <= now:
            free.pop().ask(request, begin + sent / rate)
            sent += 1
        wait = max(0.0, begin + sent / rate - time.perf_counter()) if free and sent < total else 1.0
        for key, _ in waiting.select(min(wait, 0.01)):
            if key.data.read(buffer):
                delays.append(time.perf_counter() - key.data.due)
                free.append(key.data)
    return delays


def predicted(port: int) -> None:
    """/predict, warm, beside the model's own time."""
    told = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/features/alpha158").read())
    rows = (told["data"] * (500 // len(told["data"]) + 1))[:500]
    bodies = {"500 rows with 158 features as JSON": {"rows": rows}, "a stored session": {}}
    for name, body in bodies.items():
        content = json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/predict", data=content, headers={"content-type": "application/json"}
        )
        times = []
        for _ in range(25):
            began = time.perf_counter()
            answer = json.loads(urllib.request.urlopen(request).read())
            times.append(time.perf_counter() - began)
        n = len(answer["data"])
        print(
            f"/predict, {name} ({len(content):,} bytes, {n} scores): median {1_000 * statistics.median(times[5:]):.1f} ms, worst {1_000 * max(times[5:]):.1f} ms"
        )
    print(f"the model alone, {len(rows)} rows: {1_000 * model_alone(rows):.1f} ms")


def model_alone(rows: list[dict]) -> float:
    """Seconds that LightGBM takes for the same rows, from a matrix to scores."""
    import numpy as np

    from ats_assets.deployment import Deployment
    from ats_assets.models import models
    from ats_assets.settings import load_settings

    deployment = Deployment(load_settings())
    model = deployment.of(models)["lightgbm_model"]
    store = deployment.model_store("lightgbm_model")
    record = store.active(store.stored_sessions()[-1])
    scorer = model.scorer(record, store.content(record))
    x = np.array([[np.nan if (v := row["values"][name]) is None else v for name in record.features] for row in rows], dtype=np.float32)
    times = []
    for _ in range(25):
        began = time.perf_counter()
        scorer.predict(x)
        times.append(time.perf_counter() - began)
    return statistics.median(times[5:])


if __name__ == "__main__":
    main()
