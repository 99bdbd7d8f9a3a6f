"""`ats trade live --replay` killed by SIGKILL at random moments, and started again until the day is over: a real process each time.

No child order is sent twice, none is lost, every decision is made again as it was, and what comes of the day is what comes of it where nothing is killed.
"""

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ats_assets_tests.cli.forking import started
from ats_assets_tests.cli.market import ROOT, ats, environment, make_home
from ats_assets_tests.live.day import DAY, MINUTES
from ats_assets_tests.rounds import rounds

pytestmark = pytest.mark.skipif(not MINUTES.is_dir(), reason=f"{MINUTES} is not there: real minute bars are needed")
KILLS = rounds(1, 40, "ATS_TEST_LIVE_KILLS")
"""Of each style."""
STYLES = [("market", 20), ("passive", 20), ("market", 5)][: rounds(1, 3)]
MISHAPS = [
    {"kind": "halt", "start": "10:00:00", "end": "10:15:00", "symbol": "BAC"},
    {"kind": "gap", "start": "11:00:00", "end": "11:04:00", "symbol": "IBM"},
    {"kind": "doubled", "start": "12:00:00", "end": "12:30:00"},
    {"kind": "lost", "start": "13:00:00", "end": "13:10:00"},
]
SETTINGS = {
    "ATS_LIVE__SYMBOLS": '["BAC", "IBM"]',
    "ATS_LIVE__QUOTES": "false",
    "ATS_LIVE__STREAMS": json.dumps({"replay": {"mishaps": MISHAPS}}),
    "ATS_CALENDAR__FIRST_SESSION": "2013-01-02",
    "ATS_ORDERS__ALGORITHM": "twap",
}


def replayed(home: Path, kept: Path, slices: dict[str, Any], kill_after: float | None = None) -> CompletedProcess[str]:
    """The command in a process of its own, killed after so many seconds unless it has ended by then."""
    asked = ["--replay", str(MINUTES.resolve()), "--session", str(DAY), "--plan", str(home / "plan.csv"), "--keep", str(kept), "--json"]
    with started(
        ["trade", "live", *asked], cwd=ROOT, env=environment(home, ATS_ALGORITHMS=json.dumps({"twap": slices}), **SETTINGS), timeout=120
    ) as command:
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):  # it was done already
                os.kill(command.pid, signal.SIGKILL)
        return command.end()


def sent(kept: Path) -> list[tuple[Any, ...]]:
    """Every order in the trade state, with what was filled of it, how, and when the exchange took it."""
    with sqlite3.connect(kept / f"trade_state-{DAY}.sqlite") as connection:
        return sorted(
            connection.execute(
                "SELECT client_order_id, symbol, side, quantity, status, filled_quantity, filled_average_price, submitted_at FROM orders"
            )
        )


def heard(kept: Path) -> int:
    """Events that are written down."""
    try:
        with sqlite3.connect(kept / f"trade_state-{DAY}.sqlite") as connection:
            return connection.execute("SELECT count(*) FROM live_events").fetchone()[0]
    except sqlite3.OperationalError:  # it was killed before there was a database
        return 0


def requested(kept: Path) -> Counter[str]:
    """How often the exchange was asked for each order."""
    lines = [json.loads(line) for line in (kept / f"requests-{DAY}.jsonl").read_text().splitlines()]
    return Counter(name for _, what, name in lines if what == "submit")


def _timed(work: Callable[[], CompletedProcess[str]]) -> tuple[CompletedProcess[str], float]:
    began = time.perf_counter()
    done = work()
    return done, time.perf_counter() - began


@pytest.mark.slow
@pytest.mark.parametrize(("style", "minutes"), STYLES)
def test_killed_at_random_moments_and_started_again(tmp_path: Path, style: str, minutes: int) -> None:
    slices = {"slice_minutes": minutes, "style": style}
    home = make_home(tmp_path)
    (home / "plan.csv").write_text("symbol,side,quantity\nBAC,buy,500\nIBM,buy,130\n")
    ats(home, "trade", "live", "--status")  # the server that commands are forked from is not what is timed
    whole, seconds = _timed(lambda: replayed(home, tmp_path / "whole", slices))
    assert whole.returncode == 0, whole.stderr
    expected, orders = json.loads(whole.stdout), sent(tmp_path / "whole")
    assert len(orders) > 10
    assert ({one[4] for one in orders} == {"filled"}) is (style == "market"), "passive slices work, and some end unfilled"
    rng, kills, runs, places = random.Random(29), 0, 0, set[int]()
    while kills < KILLS:
        kept = tmp_path / f"kept{runs}"
        for _ in range(3):
            done = replayed(home, kept, slices, rng.uniform(0.1, 0.8) * seconds)
            kills += done.returncode == -signal.SIGKILL
            places.add(heard(kept))
            if done.returncode != -signal.SIGKILL:
                break
        done, took = _timed(lambda kept=kept: replayed(home, kept, slices))
        seconds = min(seconds, took)  # the first had a machine of its own, or others beside it
        told = f"run {runs}, seed 29: {done.stderr[-2000:]}"
        assert done.returncode == 0, told
        found = json.loads(done.stdout)
        assert max(requested(kept).values()) == 1, told
        assert sent(kept) == orders, told
        assert {one["verdict"] for one in found["compared"]} == {"same"}, told
        for name in ("orders", "positions"):
            assert found[name][-2:] == expected[name][-2:], told
        runs += 1
        assert runs < 3 * KILLS + 3, f"{runs} runs, of which {kills} were killed"
    assert max(places) > 0, "one at least had something written down"
