"""What being watched costs: sessions are run and traded with nobody looking, and while `ats exporter` is scraped every 15 seconds.

Usage: python benchmarks/watching_cost.py [--sessions 20] [--rounds 3] [--every 15] [--json FILE]

Figures are processor seconds, which a machine that does other work changes less than the clock: of the commands that run and trade, and of the exporter beside them. `scrape` is
what one scrape costs the exporter; `share_of_a_core` that over the seconds between two; `work` the commands' seconds watched over those unwatched, the least of the rounds each.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from ats_assets_tests.cli.market import environment, make_home  # noqa: E402
from ats_assets_tests.monitoring.prometheus import free_port  # noqa: E402


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two scrapes")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        made = make_home(Path(folder) / "made")
        ats(made, "run", "--to", "2021-02-26")
        ats(made, "trade", "--from", "2021-02-24", "--to", "2021-02-26")
        plain, watched, scrapes = [], [], []
        for number in range(given.rounds):
            plain.append(worked(shutil.copytree(made, Path(folder) / f"plain{number}"), given.sessions))
            home = shutil.copytree(made, Path(folder) / f"watched{number}")
            with Watcher(home, given.every) as watcher:
                watched.append(worked(home, given.sessions))
            scrapes.append(watcher.seconds_a_scrape())
            print(
                f"round {number + 1}: {plain[-1]:.2f} s unwatched, {watched[-1]:.2f} s watched, {1000 * scrapes[-1]:.1f} ms a scrape",
                flush=True,
            )
    found = {"unwatched_s": min(plain), "watched_s": min(watched), "work": min(watched) / min(plain)}
    found |= {"scrape_ms": 1000 * min(scrapes), "share_of_a_core": min(scrapes) / given.every}
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def ats(home: Path, *arguments: str) -> None:
    """A command, which has to succeed."""
    command = [sys.executable, "-m", "ats_assets.cli", *arguments]
    env = environment(home, PYTHONPATH=str(ROOT), DAGSTER_HOME=str(home))
    subprocess.run(command, cwd=home, env=env, capture_output=True, check=True)


def worked(home: Path, sessions: int) -> float:
    """Processor seconds of running and trading the next sessions."""
    from datetime import date, timedelta

    last = str(date(2021, 3, 1) + timedelta(days=sessions * 7 // 5))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ats(home, "run", "--from", "2021-03-01", "--to", last)
    ats(home, "trade", "--from", "2021-03-01", "--to", last)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Watcher:
    """`ats exporter` in a process of its own, scraped until the block ends."""

    def __init__(self, home: Path, every: float) -> None:
        self.every, self.count, self.port = every, 0, free_port()
        command = [sys.executable, "-m", "ats_assets.cli", "exporter", "--port", str(self.port)]
        env = environment(home, PYTHONPATH=str(ROOT), DAGSTER_HOME=str(home))
        self.process = subprocess.Popen(command, cwd=home, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._scrape)

    def _ask(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            return bool(answer.read())
        return False

    def __enter__(self) -> Self:
        while not self._ask():
            time.sleep(0.5)
        self.begun = self._used()
        self.thread.start()
        return self

    def _scrape(self) -> None:
        while not self.over.wait(self.every):
            self.count += self._ask()

    def _used(self) -> float:
        import psutil

        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.count += self._ask()  # once at least
        self.used = self._used() - self.begun
        self.process.terminate()
        self.process.wait(30)

    def seconds_a_scrape(self) -> float:
        """Of the processor."""
        return self.used / self.count


if __name__ == "__main__":
    main()
