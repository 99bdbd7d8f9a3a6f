"""What looking costs with 1, 5, 10 and 20 years stored: an idle tick of each sensor, and what the nightly backtest and a training read.

Usage: python benchmarks/growth_of_looking.py [--years 1 5 10 20] [--symbols 3000] [--json]

The last sessions are made as ats run makes them, from a folder with one small CSV file a symbol; the sessions before them are hard links of one of those, since looking
counts folders and reads none of them; models have a record of their own. So the number of files, folders and sessions is real, and the history takes seconds. A tick is that of a process that has looked
before, as the daemon's has; the first one after a start is shown beside it. The goal is an idle tick under 200 ms at 20 years and 3,000 symbols.

`new_session_sensor` is measured with Alpaca as the source, too: the stand-in for its servers lists 3,000 symbols and has their bars of the last sessions; the warehouse is lengthened as above. The
requests of an idle tick are counted.

The reads are those of the real sessions, in megabytes that are in memory at the peak: of the backtest, with the columns that it takes and with all; of a training, with the rows of
the universe (50 symbols) and with those of all symbols. What `ats stale` costs is measured by growth_of_stale.py.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.automation.alerts import late_data  # noqa: E402
from ats_assets.automation.new_session import judge_remembering  # noqa: E402
from ats_assets.automation.retraining import untrained  # noqa: E402
from ats_assets.automation.trading import judge_trading  # noqa: E402
from ats_assets.backtests.stored_bars import TRADED_COLUMNS  # noqa: E402
from ats_assets.definitions import build  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.features.choosing import model_families  # noqa: E402
from ats_assets.models.assets import READ_AT_ONCE  # noqa: E402
from ats_assets.orchestration.partitions import newest_partition  # noqa: E402
from ats_assets.runs.run_progress import RunProgress  # noqa: E402
from ats_assets.runs.runner import Outcome, Runner  # noqa: E402
from ats_assets.runs.startup import quiet  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets.sources.last_asked import LastAsked  # noqa: E402
from ats_assets.storage.artefacts import Unavailable  # noqa: E402
from ats_assets_tests.sources.adapters.alpaca.markets import Market, stocks  # noqa: E402

FIRST_REAL, LAST_REAL, CALENDAR_FROM = date(2024, 10, 1), date(2024, 12, 31), date(2004, 1, 2)
NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)
SESSIONS_A_YEAR = 252
UNIVERSE = 50


def main() -> None:
    """Print one line for each length of history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--symbols", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet():
        folder = Path(name)
        deliver(folder / "delivery", asked.symbols)
        real = of(folder)
        make(real)
        rows = []
        for years in sorted(asked.years):
            lengthen(real, years * SESSIONS_A_YEAR)
            rows.append({"years": years} | ticks(folder))
        reads = reading(real)
        with at_alpaca(folder / "alpaca", asked.symbols) as (market, deployment):
            for row in rows:
                lengthen(deployment, round(row["years"]) * SESSIONS_A_YEAR)
                row.update(alpaca_ticks(market, folder / "alpaca"))
    if asked.json:
        print(json.dumps({"ticks": rows, "reads": reads}, indent=1))
        return
    print("\n".join("  ".join(f"{name} {value:,}" for name, value in row.items()) for row in [*rows, reads]))


def deliver(folder: Path, symbols: int) -> None:
    """One file a symbol: a random walk over the real sessions."""
    folder.mkdir()
    days = Deployment(load_settings()).calendar.sessions(FIRST_REAL, LAST_REAL)
    rng = np.random.default_rng(7)
    for i in range(symbols):
        close = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal(len(days))))
        prices = {
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": rng.uniform(1e5, 1e6, len(days)).round(),
        }
        pl.DataFrame({"date": days} | prices).write_csv(folder / f"S{i:05d}.csv")


def of(folder: Path) -> Deployment:
    """Settings of a warehouse in the folder; a model is fitted as soon as anything can be."""
    sections: dict[str, Any] = {
        "calendar": {"first_session": CALENDAR_FROM},
        "storage": {name: folder / name for name in ("warehouse", "models", "data")} | {"fsync": False},
        "source": {"kind": "files", "path": folder / "delivery"},
        "bars": {"profile": False, "max_rejected_share": 1.0},
        "universe": {"size": UNIVERSE, "min_history_sessions": 5, "lookback_sessions": 20},
        "models": {"lightgbm": {"min_data_in_leaf": 20}},
        "training": {
            "train_sessions": 20,
            "validation_sessions": 5,
            "min_train_sessions": 5,
            "embargo_sessions": 1,
            "refit": "weekly",
        },
        "mlflow": {"enabled": False},
        "orders": {"enabled": True},
    }
    return Deployment(load_settings(**sections))


def make(deployment: Deployment) -> None:
    """Everything but orders, as ats run makes it."""
    definitions = build(deployment)
    sessions = deployment.calendar.sessions(FIRST_REAL, LAST_REAL)
    graph = definitions.resolve_asset_graph()
    assets = frozenset(key.to_user_string() for key in graph.materializable_asset_keys if graph.get(key).group_name != "orders")
    outcome = Outcome.of(sessions, assets)
    with dg.DagsterInstance.ephemeral() as instance, RunProgress(0) as progress:
        runner = Runner(deployment, definitions, instance)
        runner.run(runner.parts(sessions, assets, 126), outcome, progress)
    if outcome.messages or outcome.interrupted:
        raise SystemExit("; ".join(outcome.messages) or "interrupted")


def lengthen(deployment: Deployment, sessions: int) -> None:
    """Put sessions before the history until it is so long, each a hard link of the first real one's files."""
    calendar, storage = deployment.calendar, deployment.settings.storage
    wanted = calendar.window(LAST_REAL, sessions)
    store = deployment.model_store(deployment.models[0])
    for day in set(wanted) - set(store.stored_sessions()) if storage.models.is_dir() else ():
        store.write_unavailable(day, Unavailable(reason="before the real sessions"), {})  # a record names its session
    for asset in sorted(storage.warehouse.iterdir()):
        origin = asset / f"session={FIRST_REAL}"
        for day in wanted if origin.is_dir() else []:
            folder = asset / f"session={day}"
            if day < FIRST_REAL and not folder.is_dir():
                folder.mkdir()
                for file in origin.iterdir():
                    os.link(file, folder / file.name)


@contextmanager
def at_alpaca(root: Path, symbols: int) -> Iterator[tuple[Market, Deployment]]:
    """A stand-in for Alpaca, and a deployment that has its last sessions with their signals stored."""
    days = Deployment(load_settings()).calendar.sessions(FIRST_REAL, LAST_REAL)[-3:]
    with stocks(
        days, symbols=[f"{a}{b}{c}{d}" for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ" for c in "ABCDEF" for d in "ABCDE"][:symbols]
    ) as market:
        market.double.now = NOW - timedelta(hours=4)
        deployment = alpaca_deployment(market, root)
        made = ("raw_bars", "raw_corporate_actions", "bars", "rejected_bars", "corporate_actions", "rejected_corporate_actions")
        with dg.DagsterInstance.ephemeral() as instance, RunProgress(0) as progress:
            runner = Runner(deployment, build(deployment), instance)
            outcome = Outcome.of(days, frozenset(made))
            runner.run(runner.parts(days, frozenset(made), 126), outcome, progress)
        if outcome.messages or outcome.interrupted:
            raise SystemExit("; ".join(outcome.messages) or "interrupted")
        for day in days:
            deployment.warehouse.write("targets", day, pl.DataFrame())
        for asset in deployment.settings.storage.warehouse.iterdir():
            if (asset / f"session={days[0]}").is_dir():
                (asset / f"session={days[0]}").rename(asset / f"session={FIRST_REAL}")  # what `lengthen` takes the files of
        yield market, deployment


def alpaca_deployment(market: Market, root: Path) -> Deployment:
    """Settings with all symbols that the stand-in lists."""
    url = market.double.url
    sections: dict[str, Any] = {
        "calendar": {"first_session": CALENDAR_FROM},
        "storage": {name: root / name for name in ("warehouse", "models", "data")} | {"fsync": False},
        "source": {"kind": "alpaca", "alpaca": {"first_session": CALENDAR_FROM}},
        "alpaca": {"data_url": url, "trading_url": url, "timeout_seconds": 60},
        "bars": {"profile": False, "max_rejected_share": 1.0},
        "mlflow": {"enabled": False},
    }
    return Deployment(load_settings(**sections))


def alpaca_ticks(market: Market, root: Path) -> dict[str, float]:
    """Milliseconds and requests of an idle tick with Alpaca as the source, in a process that has looked before; and of the first one, which remembers nothing."""
    time.sleep(3.1)
    deployment = alpaca_deployment(market, root)
    taken: list[float] = []
    last: LastAsked | None = None
    with dg.DagsterInstance.ephemeral() as instance:
        for minute in range(6):
            market.double.now = NOW + timedelta(minutes=minute)
            market.double.journal.clear()
            started = time.perf_counter()
            outcome, last = judge_remembering(deployment, market.double.now, instance, LastAsked.decoded(last.encoded() if last else None))
            taken.append(round(1000 * (time.perf_counter() - started), 1))
            if not isinstance(outcome, dg.SkipReason) or not (outcome.skip_message or "").startswith("no new session"):
                raise SystemExit(f"the sensor is not idle: {outcome}")
    name = "new_session_sensor at Alpaca"
    return {
        f"{name}, first, ms": taken[0],
        f"{name}, ms": min(taken[1:]),
        f"{name}, requests": len(market.double.journal),
        f"{name}, cursor bytes": len(last.encoded()) if last else 0,
    }


def ticks(folder: Path) -> dict[str, float]:
    """Milliseconds of an idle tick of each sensor, and of the first one after a start."""
    time.sleep(3.1)  # the folders' times settle, as they have at night
    deployment = of(folder)
    made = len(deployment.warehouse.stored_sessions("raw_bars"))
    with dg.DagsterInstance.ephemeral() as instance:
        asked: list[LastAsked | None] = [None]

        def new_session() -> str:
            outcome, asked[0] = judge_remembering(deployment, NOW, instance, LastAsked.decoded(asked[0].encoded() if asked[0] else None))
            return outcome.skip_message or "" if isinstance(outcome, dg.SkipReason) else f"asks for {outcome.job_name}"

        def trained() -> str:
            newest = newest_partition(deployment, NOW)
            return "no new" if newest is not None and not untrained(deployment, newest) else "asks for training"

        looks: dict[str, tuple[Callable[[], object], str]] = {
            "new_session_sensor": (new_session, "no new session"),
            "trading_sensor": (lambda: judge_trading(deployment, NOW, instance), ""),
            "alert_sensor (late data)": (lambda: list(late_data(deployment, NOW)), ""),
            "nightly_retraining_schedule": (trained, "no new"),
        }
        told: dict[str, float] = {"sessions": made}
        for name, (look, idle) in looks.items():
            told[f"{name}, first, ms"], said = milliseconds(look)
            if idle and not str(said).startswith(idle):
                raise SystemExit(f"{name} is not idle: {said}")
            told[f"{name}, ms"] = min(milliseconds(look)[0] for _ in range(5))
        return told


def milliseconds(look: Callable[[], object]) -> tuple[float, object]:
    """How long a look takes, and what it says."""
    started = time.perf_counter()
    said = look()
    return round(1000 * (time.perf_counter() - started), 1), said


def reading(deployment: Deployment) -> dict[str, float]:
    """What the backtest and a training hold of the real sessions, in megabytes of frames."""
    warehouse = deployment.warehouse
    days = [day for day in warehouse.stored_sessions("targets") if day >= FIRST_REAL]
    megabytes = {"backtest, its columns, MB": warehouse.read("bars", days, TRADED_COLUMNS).estimated_size() / 1e6}
    megabytes["backtest, all columns, MB"] = warehouse.read("bars", days).estimated_size() / 1e6
    family = next(iter(deployment.of(model_families)))
    members = warehouse.read("universe", days, ["symbol", "session"])
    kept, most = 0.0, 0.0
    for first in range(0, len(days), READ_AT_ONCE):
        rows = warehouse.read(family, days[first : first + READ_AT_ONCE])
        most = max(most, kept + rows.estimated_size() / 1e6)
        kept += rows.join(members, on=["symbol", "session"], how="semi").estimated_size() / 1e6
    megabytes["training, of the universe, peak MB"] = max(most, kept)
    megabytes["training, of all symbols, MB"] = warehouse.read(family, days).estimated_size() / 1e6
    return {name: round(value, 2) for name, value in megabytes.items()}


if __name__ == "__main__":
    main()
