"""What two workers are worth beside one, in one run: features and labels of a panel, and the fits of a walk-forward, by the same engine with one and with two.

Usage: python benchmarks/workers.py [--on ray] [--symbols 400] [--sessions 480] [--repeats 2] [--json]

Bars are made before. Each worker has one thread, has imported the package and made its graph before the clock starts, and is told the same work; how long all that takes is told beside.
The files of each run are compared. The process of the run itself only waits and records meanwhile; on a machine of two processors it competes with the workers. On one that does
other things, too, look at the processor time: that of the run's process and of the busiest worker. The last ratio is what the machine gives to two processes that share nothing: no
engine gives more.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.definitions import build  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.orchestration.listed_events import listed_instance  # noqa: E402
from ats_assets.orchestration.spreading import MAKE_SESSIONS, spreading  # noqa: E402
from ats_assets.runs.run_progress import RunProgress  # noqa: E402
from ats_assets.runs.runner import Outcome, Runner  # noqa: E402
from ats_assets.runs.workers_at_hand import working_on  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets_tests.small_market import files_of  # noqa: E402

FIRST = date(2018, 1, 2)
BARS = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "universe")
ARITHMETIC = ("alpha158", "forward_returns")
WARM_SESSIONS = 4
PLAIN = "import sys, numpy as np\nrows = np.random.default_rng(0).random((200, 5000))\nfor _ in range(int(sys.argv[1])): np.sort(rows, axis=1); np.log(rows).sum()"
PLAIN_TIMES = 100
"""What needs nothing but a processor, for about two seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", default="ray")
    parser.add_argument("--symbols", type=int, default=400)
    parser.add_argument("--sessions", type=int, default=480)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workers-") as scratch:
        told = measured(Path(scratch), asked)
    print(json.dumps(told, indent=1) if asked.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


def measured(root: Path, asked: argparse.Namespace) -> dict[str, Any]:
    market = deployment_of(root, asked)
    days = market.calendar.window(market.calendar.offset(market.source.first_session(), asked.sessions - 1), asked.sessions)
    timed(market, days, BARS)
    seconds: dict[str, dict[int, list[float]]] = {"features and labels": {1: [], 2: []}, "fits": {1: [], 2: []}}
    needed: dict[str, dict[int, list[float]]] = {"features and labels": {1: [], 2: []}, "fits": {1: [], 2: []}}
    own, start, files = dict.fromkeys((1, 2), 0.0), {}, []
    for _ in range(asked.repeats):
        for workers in (1, 2):
            market = deployment_of(root, asked, workers)
            began = time.perf_counter()
            with working_on(market, asked.on):
                warm(market, days, workers)
                start[workers] = time.perf_counter() - began
                own[workers] = 0.0
                for what, assets in {"features and labels": ARITHMETIC, "fits": ("lightgbm_model",)}.items():
                    used, of_workers = processor_seconds(), by_worker()
                    seconds[what][workers].append(timed(market, days, assets))
                    mine = processor_seconds() - used
                    own[workers] += mine
                    needed[what][workers].append(mine + max(spent - of_workers.get(pid, 0.0) for pid, spent in by_worker().items()))
            files.append(files_of(root))
    assert all(one == files[0] for one in files), "the number of workers changes the result"
    best = {what: {workers: min(found) for workers, found in of.items()} for what, of in seconds.items()}
    return {
        **{f"{what}, seconds by 1 and by 2": [round(of[1], 1), round(of[2], 1)] for what, of in best.items()},
        **{f"{what}, two beside one": f"{of[1] / of[2]:.2f} times as fast" for what, of in best.items()},
        "both, two beside one": f"{sum(of[1] for of in best.values()) / sum(of[2] for of in best.values()):.2f} times as fast",
        "processor seconds of the run's own process, by 1 and by 2": [round(own[1], 1), round(own[2], 1)],
        **{
            f"{what}, processor seconds of the run's process and the busiest worker, by 1 and by 2": [
                round(min(of[1]), 1),
                round(min(of[2]), 1),
            ]
            for what, of in needed.items()
        },
        **{f"{what} by these, two beside one": f"{min(of[1]) / min(of[2]):.2f} times as fast" for what, of in needed.items()},
        "two processes that share nothing, beside one": f"{plain(1) / plain(2):.2f} times as fast",
        "seconds until all workers are warm, by 1 and by 2": [round(start[1], 1), round(start[2], 1)],
    }


def processor_seconds() -> float:
    """Of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def by_worker() -> dict[int, float]:
    """Of each process that was started here, by its id."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            found[one.pid] = times.user + times.system
    return found


def plain(processes: int) -> float:
    """Seconds for the same arithmetic by so many processes, the least of three."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        line = [sys.executable, "-c", PLAIN, str(PLAIN_TIMES // processes)]
        for one in [subprocess.Popen(line) for _ in range(processes)]:
            one.wait()
        took.append(time.perf_counter() - began)
    return min(took)


def deployment_of(root: Path, asked: argparse.Namespace, workers: int = 1) -> Deployment:
    return Deployment(
        load_settings(
            calendar={"first_session": date(2017, 6, 1)},
            storage={"warehouse": root / "warehouse", "models": root / "models", "data": root / "data"},
            source={
                "kind": "synthetic",
                "synthetic": {"symbols": asked.symbols, "first_session": FIRST, "last_session": date(2021, 12, 31)},
            },
            bars={"profile": False},
            universe={"size": asked.symbols, "min_history_sessions": 20, "lookback_sessions": 20},
            features={"families": ("alpha158",)},
            training={
                "families": ("alpha158",),
                "train_sessions": asked.sessions // 2,
                "validation_sessions": 20,
                "refit": "monthly",
                "threads": 1,
            },
            mlflow={"enabled": False},
            workers={asked.on: {"processes": workers}},
        )
    )


def warm(market: Deployment, days: Sequence[date], workers: int) -> None:
    """Have all workers make their graph, and read and write something: more pieces than workers, so that each has one."""
    build(market)
    some = [day.isoformat() for day in days[-WARM_SESSIONS:]]
    pieces = [market.of(spreading).submit(MAKE_SESSIONS, asset=name, sessions=some) for name in ARITHMETIC for _ in range(4 * workers)]
    for one in pieces:
        one.result()


def timed(market: Deployment, days: Sequence[date], assets: Sequence[str]) -> float:
    outcome = Outcome.of(days, assets)
    with listed_instance() as instance, RunProgress(len(days)) as progress:
        runner = Runner(market, build(market), instance, checks=False)
        parts = runner.parts(days, frozenset(assets), len(days))
        began = time.perf_counter()
        runner.run(parts, outcome, progress)
    assert not outcome.messages, outcome.messages
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
