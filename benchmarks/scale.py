"""Time, memory and bytes of each stage at growing sizes: what is linear and what is not.

Usage: python benchmarks/scale.py [--symbols 500 2000 10000] [--sessions 250 500] [--minutes 0] [--memory MB] [--long SESSIONS] [--json FILE] [--folder FOLDER]

Of each number of symbols and sessions a warehouse is made in a folder of its own: raw bars of a simulated market, drawn in blocks by arrays and stored as deliveries are; then each
stage of the graph over all sessions, as Dagster runs it, in a process of its own. Reported are processor seconds (all threads), the most resident memory (`ru_maxrss`), bytes
written, seconds and bytes for a million rows, and the exponents of growth: the slope of the logarithm of the seconds, less those of the start, by symbols and by sessions.
1 is linear. Great Expectations and MLflow, which run in a second process, are off.

--minutes N makes minute bars of N symbols, then the bars made of them and their features. --long N makes the features of the largest number of symbols over N sessions; what is
made is deleted as it is made, so that the disk holds a part. Only figures of one run compare, and only by processor time where the machine does other things, too.
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
    "ticks": "trades,rejected_trades",
    "minute bars": "minute_bars",
    "information bars": "dollar_bars",
    "bar features": "bar_technical",
}
WHOLE = ("backtest", "report")
"""Assets without partitions."""
BLOCK = 50
"""Sessions that are drawn at once."""


def settings_text(symbols: int, sessions: int, universe: int, memory: int) -> str:
    """A settings file: windows are short, so that a history of a year has some fits."""
    window = min(252, sessions // 2)
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
    from ats_assets.runs.progress import RunProgress
    from ats_assets.runs.runner import HISTORY, REPORTS, Outcome, Runner
    from ats_assets.runs.startup import open_instance, quiet

    deployment = opened(home)
    days = deployment.warehouse.stored_sessions("raw_bars")[since:until]
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
    if what == "deliver":
        before = processor()
        found = deliver(home, *map(int, others))
        found["seconds"] = processor() - before
    else:
        found = stage(home, what, others[0].split(","), *map(int, others[1:]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found | {"processor": processor(), "peak_mb": peak, "clock": time.perf_counter() - began}))


def measured(folder: Path, symbols: int, sessions: int, universe: int, memory: int) -> Iterator[dict[str, Any]]:
    """All stages of one size."""
    home = folder / f"{symbols}x{sessions}"
    home.mkdir(parents=True)
    (home / "ats.toml").write_text(settings_text(symbols, sessions, min(universe, symbols), memory), encoding="utf-8")
    shutil.copy(PROJECT / "dagster.yaml", home / "dagster.yaml")
    size = {"symbols": symbols, "sessions": sessions}
    yield size | {"stage": "raw bars"} | in_child(home, "deliver", str(symbols), str(sessions))
    for name, assets in STAGES.items():
        yield size | {"stage": name} | in_child(home, name, assets)


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
    parser.add_argument("--symbols", type=int, nargs="+", default=[500, 2_000, 10_000])
    parser.add_argument("--sessions", type=int, nargs="+", default=[250, 500])
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
        for symbols in asked.symbols:
            for sessions in asked.sessions:
                for one in measured(Path(name), symbols, sessions, asked.universe, asked.memory):
                    found.append(one)
                    show(one)
                shutil.rmtree(Path(name) / f"{symbols}x{sessions}")
    for stage_name, slopes in exponents(found).items():
        print(f"{stage_name:18}" + "  ".join(f"{what}: {slope:.2f}" for what, slope in slopes.items()))
    if asked.json:
        asked.json.write_text(json.dumps({"measured": found, "exponents": exponents(found)}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
