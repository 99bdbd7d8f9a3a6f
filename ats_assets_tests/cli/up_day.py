"""A day under `ats up`: the command as a process of its own, and a person with a client that repeats what was not answered."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.cli.market import ROOT, environment
from ats_assets_tests.ending_with_tests import ends_with_tests

PATIENCE_SECONDS = 180
_STARTED = re.compile(r"^(\w+): started, process (\d+)", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Day:
    """`ats up` on a folder; it may be killed and started again."""

    home: Path
    key: str
    port: int = field(default_factory=free_port)
    said: str = ""
    process: subprocess.Popen[str] | None = None
    more: dict[str, str] = field(default_factory=dict)
    """Of the environment."""
    bots: bool = False

    @classmethod
    @contextlib.contextmanager
    def begun(cls, home: Path, *, bots: bool = False, **more: str) -> Iterator["Day"]:
        day = cls(home, key=KeyStore(home / "data").add("up", Role.TRADE), bots=bots, more=more)
        day.start()
        try:
            yield day
        finally:
            day.end()

    def start(self) -> None:
        more = {"PYTHONPATH": str(ROOT), **self.more}
        command = [sys.executable, "-m", "ats_assets.cli", "up", "--port", str(self.port), "--every", "0.5", "--back", "60"]
        command += ["--bots"] if self.bots else []
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(self.home, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        ends_with_tests(self.process)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.said += line

    def wait(self, found: Callable[[], Any]) -> Any:
        """What is found, once it is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (what := found()):
            assert time.monotonic() < deadline, self.said[-6_000:]
            time.sleep(0.1)
        return what

    def pid(self, name: str) -> int:
        """Of the newest process of that name."""
        if name == "up":
            assert self.process is not None
            return self.process.pid
        return int([pid for child, pid in _STARTED.findall(self.said) if child == name][-1])

    def kill(self, name: str) -> None:
        """SIGKILL; the supervisor itself is started again by us, its children by it."""
        children = [self.pid(child) for child in ("service", "desk", "sessions")]
        os.kill(self.wait(lambda: self.pid(name) if _alive(self.pid(name)) else None), signal.SIGKILL)
        if name == "up":
            assert self.process is not None
            self.process.wait()
            self.wait(lambda: not any(map(_alive, children)))  # nobody is left that would trade beside the next ones
            self.start()

    def end(self) -> int:
        """SIGTERM, and the status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask until there is an answer: whoever answers may be dead, or starting."""
        told = {"authorization": f"Bearer {self.key}", "content-type": "application/json"} | headers
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/{path}", method=method, data=data, headers=told)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    return json.load(error)
            except (OSError, ValueError):
                pass
            assert time.monotonic() < deadline, f"no answer to {method} {path}: {self.said[-6_000:]}"
            time.sleep(0.2)

    def order(self, symbol: str, quantity: str, name: str, then: Callable[[], None] = lambda: None) -> str:
        """Ask for a purchase and confirm it, each until it is answered; gives its id.

        Parameters
        ----------
        then
            Done between the two, and again after them.
        """
        body = {"kind": "place_order", "body": {"symbol": symbol, "side": "buy", "quantity": quantity}}
        asked = self.call("POST", "requests", body, **{"Idempotency-Key": name})
        then()
        asked = self.call("POST", "requests", body, **{"Idempotency-Key": name})  # the first answer may have been lost
        request_id = asked["request"]["id"]
        for _ in range(2):  # confirmed twice
            self.call("POST", f"requests/{request_id}/confirm", {"nonce": asked["nonce"]})
        return str(request_id)

    def ended(self, request_id: str) -> dict[str, Any]:
        """The request, once its order is through."""

        def through() -> Any:
            told = self.call("GET", f"requests/{request_id}")
            order = told.get("order") or {}
            over = told["state"] in ("refused", "expired") or order.get("state") in ("expired", "canceled") or order.get("filled_at")
            return told if over else None

        return self.wait(through)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
