"""The deployment of the fortnight, its clock, and all that watches it."""

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path

from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy import Connection

from ats_assets.deployment import Deployment
from ats_assets.monitoring.exporter import Exporter
from ats_assets.monitoring.exposition import Exposition
from ats_assets.runs.startup import open_instance
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state
from ats_assets_tests.alerts.receiver import Receiver
from ats_assets_tests.cli.market import SETTINGS, environment, make_home
from ats_assets_tests.monitoring.postgres_exporter import PostgresExporter
from ats_assets_tests.monitoring.prometheus import free_port
from ats_assets_tests.monitoring.watched_deployment import DAEMONS, ask_vendor
from ats_assets_tests.monitoring.watched_deployment import SETTINGS as EVERYTHING

ROOT = Path(__file__).resolve().parents[2]
FIRST, BEGUN = date(2020, 10, 1), date(2021, 3, 31)


class Fortnight:
    """The deployment, its clock, and all that watches it."""

    def __init__(self, home: Path, desk: Receiver, stores: PostgresExporter) -> None:
        self.desk, self.stores = desk, stores
        make_home(home)
        text = SETTINGS.replace("2021-03-31", "2021-04-30").replace("2021-01-04", str(FIRST)) + EVERYTHING
        text = text.replace("[alerts.routes]", '[alerts.routes]\nDESK = "info"')
        text = text.replace("[drift]", "[drift]\nrecent_sessions = 2")  # the default asks for more of a past than this market has
        (home / "ats.toml").write_text(text)
        os.environ.update(environment(home), DAGSTER_HOME=str(home), DESK=desk.address, PYTHONPATH=str(ROOT))
        self.home, self.log = home, (home / "commands.log").open("a")
        self.port, self.service_port = free_port(), free_port()
        self.clock = datetime(2021, 4, 1, tzinfo=UTC)
        self.silent: set[str] = set()
        self.made: list[tuple[float, float, set[str]]] = []
        self.exporter: Exporter | None = None
        self.service: subprocess.Popen[bytes] | None = None

    @property
    def watching(self) -> Deployment:
        """As the exporter sees it: over a source that goes on."""
        storage = {name: self.home / name / "synthetic" for name in ("warehouse", "models")}
        return Deployment(load_settings(source={"kind": "files"}, storage={**storage, "data": self.home / "data"}))

    def command(self, *arguments: str) -> int:
        """Run `ats` in a process of its own."""
        command = [sys.executable, "-m", "ats_assets.cli", *arguments]
        return subprocess.run(command, cwd=self.home, stdout=self.log, stderr=self.log, check=False).returncode

    def export(self, **sections: object) -> None:
        """Start the exporter, or give the one that runs other settings; it answers meanwhile."""
        deployment = self.watching
        changed = {name: getattr(deployment.settings, name).model_copy(update=values) for name, values in sections.items()}
        deployment = Deployment(deployment.settings.model_copy(update=changed))
        if self.exporter is None:
            self.exporter = Exporter(deployment, "127.0.0.1", self.port, market_now=lambda: self.clock)
            self.exporter.warm()
            threading.Thread(target=self.exporter.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        else:
            exposition = Exposition(deployment, market_now=lambda: self.clock)
            exposition.text()
            self.exporter.exposition = exposition

    def end_exporter(self) -> None:
        """End it."""
        if self.exporter is not None:
            self.exporter.shutdown()
            self.exporter.server_close()
            self.exporter = None

    def serve(self) -> None:
        """Start the service."""
        command = [sys.executable, "-m", "ats_assets.cli", "serve", "--port", str(self.service_port)]
        self.service = subprocess.Popen(command, cwd=self.home, stdout=self.log, stderr=self.log)
        for _ in range(1_200):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.service_port}/health", timeout=5):
                return
            time.sleep(0.1)
        raise TimeoutError("the service does not answer")

    def end_service(self) -> None:
        """End it."""
        if self.service is not None:
            self.service.terminate()
            self.service.wait(30)

    def ask(self, path: str = "/api/v1/signals") -> None:
        """Ask the service, whatever it answers."""
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.service_port}{path}", timeout=5).read()

    @contextmanager
    def living(self) -> Iterator[None]:
        """The daemon's heartbeats, a vendor that is asked and a service that is, until the block ends."""
        ended = threading.Event()

        def live() -> None:
            with open_instance() as instance:
                while not ended.wait(1.0):
                    for kind in set(DAEMONS) - self.silent:
                        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, "one", []))
                    ask_vendor(self.watching)
                    self.ask()

        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def state(self) -> Iterator[Connection]:
        """A transaction of the trade state."""
        with open_trade_state(self.watching.settings) as state, state.begin() as connection:
            yield connection

    def newest(self, asset: str) -> Path:
        """The file of the newest partition."""
        return max((self.home / "warehouse/synthetic" / asset).glob("session=*/*.parquet"))
