"""Time, memory and bytes of each stage at growing sizes: what is linear and what is not.

Usage: python benchmarks/scale.py [--symbols 500 2000 10000] [--sessions 250 500] [--stages …] [--minutes 100 500] [--minute-sessions 3]
                                  [--memory MB] [--long SESSIONS] [--folder FOLDER] [--json FILE]

Of each number of symbols and sessions a warehouse is made in a folder of its own: raw bars of a simulated market, drawn session by session and stored as deliveries are; then each
stage of the graph over all sessions, as Dagster runs it, in a process of its own. Reported are processor seconds (all threads; without the start of the process), the most resident
memory (`ru_maxrss`), rows and bytes written, seconds for a million rows, and the exponents of growth by symbols and by sessions: the slope between the logarithms of the smallest and
the largest size. 1 is linear. Great Expectations and MLflow, which run in a second process, are off, and so are checks.

--minutes: trades inside sessions of so many symbols, the minute bars and the dollar bars of them, and features of the minute bars. --long: the features alone of the largest number
of symbols over so many sessions; what is made is deleted block by block, so that the disk holds a part of it.
Only figures of one run compare, and only by processor time where the machine does other things, too.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PROJECT = Path(__file__).resolve().parents[1]
FIRST = date(2005, 1, 3)
STAGES = {
    "bars": "bars,rejected_bars",
    "corporate actions": "corporate_actions,rejected_corporate_actions",
    "universe": "universe",
    "features": "alpha158",
    "labels": "forward_returns",
    "fits": "lightgbm_model",
    "predictions": "predictions",
    "skill": "skill",
    "signals": "signals",
    "targets": "targets",
    "backtest": "backtest",
    "report": "backtest_report",
}
"""What is measured, in the order of the graph -> its assets."""
MINUTE_STAGES = {
    "trades": "trades,rejected_trades",
    "minute bars": "minute_bars",
    "dollar bars": "dollar_bars",
    "bar features": "minute_moves",
}
"""Likewise of what lies inside sessions."""
MINUTE_FAMILY = """
description = "Moves of minutes"
frame = "minute_bars"
[features]
MOVE5 = "$close / Ref($close, 5) - 1"
CALM30 = "Std($close, 30) / $close"
HIGH60 = "Max($high, 60) / $close"
VOLUME30 = "Mean($volume, 30) / ($volume + 1)"
"""
WHOLE = ("backtest", "report")
"""Assets without partitions."""
LONG_PART = 1_250
"""Sessions of a history whose features are on the disk at once."""
BLOCK = 50
"""Sessions that are drawn at once."""


def minutes_text() -> str:
    """Settings of what lies inside sessions; the trades are stored as if a source had delivered them."""
    return """
[intraday.trades]
kind = "files"
path = "trades.csv"
[samplers.minute_bars]
kind = "time"
[samplers.dollar_bars]
kind = "dollar"
bars_per_session = 100
[features]
folder = "families"
"""


def settings_text(symbols: int, sessions: int, universe: int, memory: int) -> str:
    """A settings file: windows are short, so that a history of a year has some fits."""
    window = min(252, max(2, sessions // 2))
    return f"""
[source]
kind = "synthetic"
[source.synthetic]
symbols = {symbols}
first_session = {FIRST}
last_session = 2026-06-30
[bars]
profile = false
[universe]
size = {universe}
[training]
train_sessions = {window}
min_train_sessions = {window // 2}
validation_sessions = {max(10, window // 6)}
[mlflow]
enabled = false
""" + (f"[runs]\nmax_memory_mb = {memory}\n" if memory else "")


class Market:
    """A market drawn session by session: a factor, states of volatility, late listings, halts, splits, prices in cents. What is next follows from what was drawn, so that memory does not grow with it."""

    def __init__(self, symbols: int) -> None:
        self._draw = np.random.default_rng([2005, symbols])
        self.names = pl.Series("symbol", [f"SYN{i:05d}" for i in range(symbols)])
        self._price = 50 * np.exp(0.5 * self._draw.standard_normal(symbols))
        self._calm = 0.008 + 0.02 * self._draw.random(symbols)
        self._wild = np.zeros(symbols, bool)
        self._listed_in = np.where(self._draw.random(symbols) < 0.1, self._draw.integers(1, 500, symbols), 0)
        self._level = 12 + 1.5 * self._draw.standard_normal(symbols)
        self._at = 0

    def session(self, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Bars, and splits that take effect at its open."""
        draw, n = self._draw, len(self._price)
        self._wild ^= draw.random(n) < 0.01
        volatility = self._calm * np.where(self._wild, 2.2, 1.0)
        split = draw.random(n) < 0.02 / 252
        self._price[split] /= 2
        opening = np.maximum(np.round(self._price * np.exp(0.4 * volatility * draw.standard_normal(n)), 2), 0.01)
        move = np.clip(0.009 * draw.standard_normal() + volatility * draw.standard_normal(n), -0.3, 0.3)
        self._price = np.clip(self._price * np.exp(move), 1, 9_000)
        close = np.round(self._price, 2)
        high = np.round(np.maximum(opening, close) * np.exp(0.5 * volatility * np.abs(draw.standard_normal(n))), 2)
        low = np.maximum(np.round(np.minimum(opening, close) * np.exp(-0.5 * volatility * np.abs(draw.standard_normal(n))), 2), 0.01)
        volume = np.maximum(np.round(np.exp(self._level + 0.5 * draw.standard_normal(n)), -2), 100)
        there = (self._listed_in <= self._at) & (draw.random(n) > 0.002)
        self._at += 1
        values = {
            "open": opening,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "vwap": np.round((high + low + close) / 3, 4),
        }
        bars = pl.DataFrame({"symbol": self.names, "date": day, "session": day, **values}).with_columns(defects=pl.lit(None, pl.String))
        acts = pl.DataFrame({"symbol": self.names, "session": day, "split": split}).filter(there & split)
        return bars.filter(there), acts.select("symbol", date="session", session="session", kind=pl.lit("split"), ratio=pl.lit(2.0))


def deliver(home: Path, symbols: int, sessions: int) -> dict[str, Any]:
    """Store raw bars and actions of the first sessions, as the step of a source stores them."""
    from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA

    deployment = opened(home)
    days = deployment.calendar.sessions(FIRST, date.max)[:sessions]
    market, rows, written = Market(symbols), 0, 0
    for first in range(0, len(days), BLOCK):
        of_block = {day: market.session(day) for day in days[first : first + BLOCK]}
        for place, (asset, schema) in enumerate({"raw_bars": RAW_BARS_SCHEMA, "raw_corporate_actions": RAW_ACTIONS_SCHEMA}.items()):
            frames = {day: parts[place].match_to_schema(schema, missing_columns="insert") for day, parts in of_block.items()}
            deliveries = {day: [(deployment.calendar.closes_at(day), frame)] for day, frame in frames.items()}
            made = deployment.warehouse.write_deliveries(asset, deliveries)
            rows += sum(one.rows for one in made.values()) if asset == "raw_bars" else 0
            written += sum(one.bytes for one in made.values())
    deployment.calendar_store.keep()
    return {"rows": rows, "bytes": written}


def deliver_trades(home: Path, symbols: int, sessions: int) -> dict[str, Any]:
    """Store trades of the first sessions: of each symbol two a minute on average, at random times of the hours."""
    from ats_assets.intraday.schema import RAW_TRADES_SCHEMA

    deployment, draw, rows, written = opened(home), np.random.default_rng([2005, symbols]), 0, 0
    days = deployment.calendar.sessions(FIRST, date.max)[:sessions]
    price, names = 50 * np.exp(0.5 * draw.standard_normal(symbols)), pl.Series("symbol", [f"SYN{i:05d}" for i in range(symbols)])
    for day in days:
        opens, closes = (int(at.timestamp()) * 10**9 for at in (deployment.calendar.opens_at(day), deployment.calendar.closes_at(day)))
        n = symbols * 780
        whose = np.sort(draw.integers(0, symbols, n))
        at = draw.integers(opens, closes, n)
        order = np.lexsort((at, whose))
        walk = np.exp(np.cumsum(0.0005 * draw.standard_normal(n)))
        frame = pl.DataFrame(
            {
                "symbol": names.gather(whose),
                "session": pl.Series([day], dtype=pl.Date).new_from_index(0, n),
                "at": pl.Series(at[order]).cast(pl.Datetime("ns", "UTC")),
                "price": np.round(price[whose] * walk / walk[np.searchsorted(whose, whose)], 2),
                "size": draw.integers(1, 500, n).astype(np.float64),
                "exchange": "X",
                "conditions": pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, n),
                "sequence": np.arange(n),
                "part": pl.Series([0], dtype=pl.Int32).new_from_index(0, n),
            }
        ).match_to_schema(RAW_TRADES_SCHEMA, missing_columns="insert", integer_cast="upcast")
        made = deployment.warehouse.write_deliveries("raw_trades", {day: [(deployment.calendar.closes_at(day), frame)]})
        rows, written = rows + n, written + sum(one.bytes for one in made.values())
    deployment.calendar_store.keep()
    return {"rows": rows, "bytes": written}


def opened(home: Path) -> Any:
    """The deployment of a folder."""
    from ats_assets.deployment import Deployment
    from ats_assets.settings import load_settings

    os.environ["ATS_SETTINGS"] = str(home / "ats.toml")
    return Deployment(load_settings())


def stage(home: Path, name: str, assets: Sequence[str], since: int = 0, until: int | None = None) -> dict[str, Any]:
    """Run a stage over the sessions that are stored, as Dagster does, in this process."""
    from ats_assets.definitions import build
    from ats_assets.runs.planned_runs import PlannedRun
    from ats_assets.runs.run_progress import RunProgress
    from ats_assets.runs.runner import HISTORY, REPORTS, Outcome, Runner
    from ats_assets.runs.startup import open_instance, quiet

    deployment = opened(home)
    days = deployment.warehouse.stored_sessions("raw_trades" if name in MINUTE_STAGES else "raw_bars")[since:until]
    with quiet(), open_instance() as instance, RunProgress(len(days)) as progress:
        definitions = build(deployment)
        runner = Runner(deployment, definitions, instance, checks=False)
        part = PlannedRun(job=HISTORY, assets=tuple(assets), sessions=tuple(days))
        if name in WHOLE:
            part = PlannedRun(job=REPORTS, assets=tuple(assets))
        outcome = Outcome.of(days, assets)
        before = processor()
        runner.run([part], outcome, progress)
        taken = processor() - before
    if outcome.messages:
        raise SystemExit(f"{name}: " + "\n".join(outcome.messages))
    return {"seconds": taken, **stored(deployment.warehouse.root, assets, days)}


def stored(root: Path, assets: Sequence[str], days: Sequence[date]) -> dict[str, int]:
    """Rows and bytes of what a stage has made."""
    import pyarrow.parquet as pq

    wanted = {f"session={day}" for day in days}
    files = [
        file for asset in assets for file in (root / asset).rglob("*.parquet") if file.parent.name in wanted or file.parent.name == asset
    ]
    return {"rows": sum(pq.read_metadata(file).num_rows for file in files), "bytes": sum(file.stat().st_size for file in files)}


def processor() -> float:
    """Processor seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_child(home: Path, *words: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATS_")}
    environment |= {"PYTHONPATH": str(PROJECT), "DAGSTER_HOME": str(home), "ATS_SETTINGS": str(home / "ats.toml")}
    command = [sys.executable, "-W", "ignore", __file__, "--child", str(home), *words]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False, cwd=home)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}")
    return json.loads(done.stdout.decode().splitlines()[-1])


def child(home: Path, words: Sequence[str]) -> None:
    """What `in_child` asks for; the figures are the last line."""
    began = time.perf_counter()
    what, *others = words
    if what.startswith("deliver"):
        before = processor()
        found = (deliver if what == "deliver" else deliver_trades)(home, *map(int, others))
        found["seconds"] = processor() - before
    else:
        found = stage(home, what, others[0].split(","), *map(int, others[1:]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found | {"processor": processor(), "peak_mb": peak, "clock": time.perf_counter() - began}))


def new_home(folder: Path, name: str, text: str) -> Path:
    """An empty folder of a deployment."""
    home = folder / name
    (home / "families").mkdir(parents=True)
    (home / "ats.toml").write_text(text, encoding="utf-8")
    (home / "families" / "minute_moves.toml").write_text(MINUTE_FAMILY, encoding="utf-8")
    (home / "trades.csv").touch()
    shutil.copy(PROJECT / "dagster.yaml", home / "dagster.yaml")
    return home


def measured(folder: Path, symbols: int, sessions: int, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All stages of one size."""
    home = new_home(folder, f"{symbols}x{sessions}", settings_text(symbols, sessions, min(asked.universe, symbols), asked.memory))
    size = {"symbols": symbols, "sessions": sessions}
    yield size | {"stage": "raw bars"} | in_child(home, "deliver", str(symbols), str(sessions))
    for name in asked.stages:
        yield size | {"stage": name} | in_child(home, name, STAGES[name])
    shutil.rmtree(home)


def measured_minutes(folder: Path, symbols: int, sessions: int, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What lies inside sessions, of one size."""
    home = new_home(
        folder, f"minutes{symbols}", settings_text(symbols, sessions, min(asked.universe, symbols), asked.memory) + minutes_text()
    )
    size = {"symbols": symbols, "sessions": sessions}
    yield size | {"stage": "raw trades"} | in_child(home, "deliver_trades", str(symbols), str(sessions))
    for name, assets in MINUTE_STAGES.items():
        yield size | {"stage": name} | in_child(home, name, assets)
    shutil.rmtree(home)


def measured_long(folder: Path, symbols: int, sessions: int, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The features of a long history, by runs of so many sessions as `ats run` takes at once."""
    home = new_home(folder, "long", settings_text(symbols, sessions, min(asked.universe, symbols), asked.memory))
    size = {"symbols": symbols, "sessions": sessions}
    yield size | {"stage": "raw bars, long"} | in_child(home, "deliver", str(symbols), str(sessions))
    for name in ("bars", "corporate actions"):
        yield size | {"stage": f"{name}, long"} | in_child(home, name, STAGES[name])
    for first in range(0, sessions, LONG_PART):
        last = min(first + LONG_PART, sessions)
        yield size | {"stage": f"features, from {first}"} | in_child(home, "features", STAGES["features"], str(first), str(last))
        shutil.rmtree(home / "warehouse" / "synthetic" / "alpha158")
    shutil.rmtree(home)


def show(one: Mapping[str, Any]) -> None:
    """A line of the table."""
    millions = max(one["rows"], 1) / 1e6
    figures = f"{one['seconds']:9.2f} s {one['peak_mb']:8.0f} MB {one['bytes'] / 1e6:9.1f} MB written {one['rows']:>12,} rows"
    print(f"{one['symbols']:>7} x {one['sessions']:<5} {one['stage']:18}{figures} {one['seconds'] / millions:9.2f} s/M rows", flush=True)


def exponents(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Stage -> how seconds and memory grow by symbols and by sessions: slopes between the smallest and the largest size that differ in that alone."""
    slopes: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(one["stage"] for one in found):
        for by, other in (("symbols", "sessions"), ("sessions", "symbols")):
            own = [one for one in found if one["stage"] == name]
            most = max(one[other] for one in own)
            line = sorted((one for one in own if one[other] == most), key=lambda one: one[by])
            if len(line) > 1:
                small, large = line[0], line[-1]
                apart = math.log(large[by] / small[by])
                for figure in ("seconds", "peak_mb"):
                    slopes.setdefault(name, {})[f"{figure} by {by}"] = math.log(large[figure] / small[figure]) / apart
    return slopes


def main() -> None:
    """Measure, print a table, and write all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, nargs="*", default=[500, 2_000, 10_000])
    parser.add_argument("--sessions", type=int, nargs="+", default=[250, 500])
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--minutes", type=int, nargs="*", default=[], metavar="SYMBOLS")
    parser.add_argument("--minute-sessions", type=int, nargs="+", default=[3])
    parser.add_argument("--long", type=int, metavar="SESSIONS")
    parser.add_argument("--universe", type=int, default=1_000, help="symbols of the universe at most")
    parser.add_argument("--memory", type=int, default=0, metavar="MB", help="runs.max_memory_mb; default: unset")
    parser.add_argument("--folder", type=Path, help="where the warehouses lie, which are deleted afterwards; default: a temporary folder")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(Path(asked.child[0]), asked.child[1:])
        return
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scale-", dir=asked.folder) as name:
        wanted = [measured(Path(name), symbols, sessions, asked) for symbols in asked.symbols for sessions in asked.sessions]
        wanted += [
            measured_minutes(Path(name), symbols, sessions, asked) for symbols in asked.minutes for sessions in asked.minute_sessions
        ]
        wanted += [measured_long(Path(name), max(asked.symbols), asked.long, asked)] if asked.long else []
        for one in chain.from_iterable(wanted):
            found.append(one)
            show(one)
            if asked.json:
                asked.json.write_text(json.dumps({"measured": found, "exponents": exponents(found)}, indent=1) + "\n", encoding="utf-8")
    for stage_name, slopes in exponents(found).items():
        print(f"{stage_name:18}" + "  ".join(f"{what}: {slope:.2f}" for what, slope in slopes.items()))


if __name__ == "__main__":
    main()
