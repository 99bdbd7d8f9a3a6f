"""A backtest by qlib and by this project, in turn on the same market and scores: from the files of each to the account.

Usage: python benchmarks/backtest_vs_qlib.py [--symbols 800] [--sessions 754] [--top 100] [--rounds 3] [--json]

qlib holds the 50 best of the scores and changes 5 a session (its own example, about 7,500 trades); ours holds the `--top` best and trades to
their weights, about 60,000 trades. Each measurement is a process of its own that has imported its libraries and traded a small market before the
clock starts; ours reads bars and signals from two Parquet files. The kernels of ours are compiled before; "plain" is ours without them, and
"first" the seconds until its first backtest is done, imports and loading of compiled code included. Figures are medians over the rounds; only
ratios of one run compare.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
REPEATS = 5


def main() -> None:
    """Make the market, measure each side in turn, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=800)
    parser.add_argument("--sessions", type=int, default=754)
    parser.add_argument("--top", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder, arguments.symbols, arguments.sessions, arguments.top)
        measured: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(arguments.rounds):
            for side, found in measured.items():
                found.append(_measure(side, folder))
    result = _result(measured)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:24s} {value:,.3f}" for name, value in result.items()))


def _prepare(folder: Path, symbols: int, sessions: int, top: int) -> None:
    """Bars and signals of ours; qlib's data, and its scores."""
    import numpy as np
    import polars as pl
    from panel import make_panel, weekdays

    from ats_assets.backtests.ahead_of_time import compile_kernels
    from ats_assets.portfolio import target_weights
    from ats_assets.settings import PortfolioSettings
    from ats_assets_tests.expressions.qlib_features import write_qlib_data

    compile_kernels()
    years = (sessions + 5) / 261.0
    panel, days = make_panel(symbols, years), weekdays(years)[-sessions:]
    write_qlib_data(panel, weekdays(years), folder / "qlib")
    bars = panel.drop_nulls().filter(pl.col("session").is_in(days)).sort("session", "symbol")
    bars.select("symbol", "session", pl.col("open", "close", "volume").cast(pl.Float64)).write_parquet(folder / "bars.parquet")
    random, score, rows = np.random.default_rng(7), np.zeros(symbols), []
    for _ in days:
        score = 0.8 * score + 0.6 * random.standard_normal(symbols)
        rows.append(score)
    names = [f"S{number:05d}" for number in range(symbols)]
    keys = {"symbol": names * len(days), "session": [day for day in days for _ in names]}
    portfolio = PortfolioSettings(top_k=top, max_turnover=4.0)
    weights = [target_weights(row, portfolio) for row in rows]
    pl.DataFrame({**keys, "score": np.concatenate(rows)}).write_parquet(folder / "scores.parquet")
    pl.DataFrame({**keys, "target_weight": np.concatenate(weights)}).write_parquet(folder / "signals.parquet")


def _measure(side: str, folder: Path) -> dict[str, float]:
    """One side in a fresh process."""
    quiet = {"PYTHONWARNINGS": "ignore", "MLFLOW_ALLOW_FILE_STORE": "true"}
    command = [sys.executable, str(HERE), "--side", side, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **quiet}, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _timed(work: Callable[[], int]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    trades = work()
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor, "trades": trades}


def _of_qlib(folder: Path) -> dict[str, float]:
    import pandas as pd
    import qlib
    from qlib.backtest import backtest
    from qlib.contrib.strategy.signal_strategy import TopkDropoutStrategy

    qlib.init(provider_uri=str(folder / "qlib"), region="us", kernels=1, logging_level=40)
    scores = pd.read_parquet(folder / "scores.parquet").rename(columns={"symbol": "instrument", "session": "datetime"})
    scores["datetime"] = pd.to_datetime(scores["datetime"])
    signal = scores.set_index(["instrument", "datetime"])["score"].sort_index()
    days = sorted(scores["datetime"].unique())

    def trade() -> int:
        portfolio, _ = backtest(
            start_time=days[1],
            end_time=days[-2],
            strategy=TopkDropoutStrategy(signal=signal, topk=50, n_drop=5),
            executor={
                "class": "SimulatorExecutor",
                "module_path": "qlib.backtest.executor",
                "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": True},
            },
            benchmark=pd.Series(0.0, index=days),
            account=1e8,
            exchange_kwargs={"freq": "day", "deal_price": "open", "open_cost": 0.0005, "close_cost": 0.0015, "min_cost": 5},
        )
        return len(portfolio["1day"][0])

    return _timed(trade)


def _of_ours(folder: Path, *, compiled: bool | None = None) -> dict[str, float]:
    start = time.perf_counter()
    import polars as pl

    from ats_assets.backtests import run_backtest
    from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings

    def trade() -> int:
        signals, bars = pl.read_parquet(folder / "signals.parquet"), pl.read_parquet(folder / "bars.parquet")
        settings = BacktestSettings(options={"compiled": compiled})
        rules = {"portfolio": PortfolioSettings(max_turnover=4.0), "settings": settings, "limits": OrderLimitSettings()}
        return len(run_backtest(signals, bars, signals["session"].unique().to_list(), **rules).trades)

    trade()
    first = time.perf_counter() - start
    found = [_timed(trade) for _ in range(REPEATS)]
    return {name: statistics.median(one[name] for one in found) for name in found[0]} | {"first": first}


SIDES: dict[str, Callable[[Path], dict[str, float]]] = {
    "qlib": _of_qlib,
    "ours": _of_ours,
    "plain": lambda folder: _of_ours(folder, compiled=False),
}


def _result(measured: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    def median(side: str, figure: str) -> float:
        return statistics.median(found[figure] for found in measured[side])

    return {
        "times qlib": median("qlib", "seconds") / median("ours", "seconds"),
        "times qlib, processor": median("qlib", "cpu_seconds") / median("ours", "cpu_seconds"),
        "times plain": median("plain", "seconds") / median("ours", "seconds"),
        "qlib, s": median("qlib", "seconds"),
        "ours, s": median("ours", "seconds"),
        "ours, trades": median("ours", "trades"),
        "plain, s": median("plain", "seconds"),
        "ours, first, s": median("ours", "first"),
        "plain, first, s": median("plain", "first"),
    }


if __name__ == "__main__":
    main()
