"""Target weights traded by this project's engines, by vectorbt and by Backtrader, in turn on the same market.

Usage: python benchmarks/engines.py [--symbols 1000] [--sessions 2520] [--feeds 50] [--rounds 3] [--against vectorbt backtrader] [--environments data/engines] [--json]

Every symbol has another weight at every session, so that each is traded at each: with 1,000 symbols and 2,520 sessions 2.5 million trades. Each row of what is printed compares
what is made of the same arrays:

- "account": the engine `weights` from arrays to equity, cash, costs and turnover of each session, and the shares after each session's orders. vectorbt is
  `Portfolio.from_orders` from arrays to its order records; its cash and value are made of them later, which "vectorbt, valued" has.
- "tables": that, and a row for each trade and each position, as frames; of vectorbt ("vectorbt, tabled") the frames of its orders, assets, cash and value.
- "kernel": the engine `orders` from arrays to its ledgers. "orders" and "weights": these engines from frames of bars and targets to all frames of a backtest.

All is compiled before. Backtrader has only `--feeds` of the symbols, since all of them take an hour, and is compared with ours on the same ones. Each measurement is a process
that has traded a part before the clock starts; the engines' environments are made ahead (`python -m ats_assets.backtests.child_engine <engine>`). Figures are the best of the
rounds; only ratios of one run compare.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
REPEATS = 2


def main() -> None:
    """Make the market, measure each side in turn, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--sessions", type=int, default=2_520)
    parser.add_argument("--feeds", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", nargs="+", choices=sorted(AGAINST), default=sorted(AGAINST), help="the engines of others")
    parser.add_argument("--environments", type=Path, default=HERE.parents[1] / "data" / "engines")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--columns", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.folder, arguments.columns)))
        return
    pythons = _pythons(arguments.environments, arguments.against)
    work = [side for name in arguments.against for side in AGAINST[name]]
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name), arguments.symbols, arguments.sessions)
        for _ in range(arguments.rounds):
            for side in work:
                columns = arguments.feeds if side in AGAINST["backtrader"] else arguments.symbols
                found = _measure(side, Path(name), columns, pythons.get(side.partition(",")[0], sys.executable))
                best[side] = min(best.get(side, found), found, key=lambda one: one["seconds"])
    result = {label: best[theirs]["seconds"] / best[ours]["seconds"] for label, (theirs, ours) in RATIOS.items() if theirs in best}
    result |= {f"{side}, {figure}": value for side, found in best.items() for figure, value in found.items()}
    print(json.dumps(result) if arguments.json else "\n".join(f"{label:44s} {value:,.3f}" for label, value in result.items()))


def _pythons(environments: Path, names: list[str]) -> dict[str, str]:
    """The interpreters of the other engines."""
    sys.path.insert(0, str(HERE.parents[1]))
    from ats_assets.plugins import ENGINES

    return {name: str(ENGINES.made(name, {}).environment.made(environments)) for name in names}


def _prepare(folder: Path, symbols: int, sessions: int) -> None:
    random = np.random.default_rng(1)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, (sessions, symbols)), axis=0)), 2)
    weight = random.random((sessions, symbols))
    np.save(folder / "close.npy", close)
    np.save(folder / "open.npy", np.round(close * np.exp(random.normal(0, 0.005, close.shape)), 2))
    np.save(folder / "weight.npy", 0.9 * weight / weight.sum(axis=1, keepdims=True))


def _read(folder: Path, columns: int) -> tuple[Any, Any, Any]:
    """Opens, closes and weights of the first columns, of 90% of equity together."""
    opened, close, weight = (np.load(folder / f"{name}.npy")[:, :columns] for name in ("open", "close", "weight"))
    return opened, close, 0.9 * weight / weight.sum(axis=1, keepdims=True)


def _measure(side: str, folder: Path, columns: int, python: str) -> dict[str, float]:
    """One side in a fresh process."""
    command = [python, str(HERE), "--side", side, "--folder", str(folder), "--columns", str(columns)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _best_of(work: Callable[[], int], repeats: int = REPEATS) -> dict[str, float]:
    seconds, trades = float("inf"), 0
    for _ in range(repeats):
        began = time.perf_counter()
        trades = work()
        seconds = min(seconds, time.perf_counter() - began)
    return {"seconds": seconds, "trades": trades}


def _ours(folder: Path, columns: int, engine: str, alone: Callable[[Any], dict[str, float]] | None = None) -> dict[str, float]:
    sys.path.insert(0, str(HERE.parents[1]))
    from datetime import date, timedelta

    import polars as pl

    from ats_assets.backtests import BacktestInputs, engine_of
    from ats_assets.settings import BacktestSettings, PortfolioSettings

    opened, close, weight = _read(folder, columns)
    days = [date(2010, 1, 1) + timedelta(days=i) for i in range(len(close))]
    names = [f"S{j:05d}" for j in range(columns)]
    keys = {"symbol": pl.Series(names * len(days)), "session": pl.Series(days).gather(np.repeat(np.arange(len(days)), columns))}
    bars = pl.DataFrame({**keys, "open": opened.ravel(), "close": close.ravel(), "volume": np.full(close.size, 1e6)})
    targets = pl.DataFrame({**keys, "target_weight": weight.ravel()})
    options = {"compiled": True} if engine == "orders" else {}
    settings = BacktestSettings(engine=engine, options=options, initial_cash=1e8, fractional_shares=True)
    free = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0)

    def inputs_to(last: int) -> BacktestInputs:
        return BacktestInputs(
            targets=targets.head(last * columns), bars=bars.head(last * columns), sessions=days[:last], portfolio=free, settings=settings
        )

    made = engine_of(settings)
    _tabled(made.run(inputs_to(5)))
    whole = inputs_to(len(days))
    return alone(whole) if alone else _best_of(lambda: _tabled(made.run(whole)))


def _tabled(result: Any) -> int:
    """Its frames, which are made when they are asked for; how many trades."""
    return {name: len(getattr(result, name)) for name in ("equity", "positions", "unfilled", "trades")}["trades"]


def _kernel(inputs: Any) -> dict[str, float]:
    """The engine `orders` without frames."""
    from ats_assets.backtests.benchmark import benchmark_column
    from ats_assets.backtests.engines import orders
    from ats_assets.backtests.market import read_market
    from ats_assets.backtests.market_terms import market_terms

    settings = inputs.settings
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    prices = market.prices(settings.margin, market_terms(market, settings, None)[0])
    rules = orders.TradingRules(
        orders.weight_rules(inputs.portfolio),
        orders.limit_rules(None),
        orders.cost_rules(settings),
        orders.margin_rules(settings.margin),
        orders.brake_rules(None),
    )
    column = benchmark_column(market, None)
    return _best_of(lambda: int(orders._traded(prices, settings.initial_cash, rules, column, compiled=True)[0].trades.used[0]))


def _account(inputs: Any) -> dict[str, float]:
    """The engine `weights` without frames and without its trades one by one."""
    from ats_assets.backtests.exact_account import held_exactly

    _, prices, rules = _arrays(inputs)
    return _best_of(lambda: int(held_exactly(prices, rules, 1e8).sessions.n_trades.sum()), 2 * REPEATS)


def _tables(inputs: Any) -> dict[str, float]:
    """The same, and all frames."""
    from ats_assets.backtests.engines.weights import accounted

    market, prices, rules = _arrays(inputs)
    return _best_of(lambda: _tabled(accounted(market, prices, rules, inputs)))


def _arrays(inputs: Any) -> Any:
    from ats_assets.backtests.engines.weights import WeightsEngine, WeightsEngineSettings
    from ats_assets.backtests.market import read_market
    from ats_assets.backtests.market_terms import market_terms

    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    prices = market.prices(inputs.settings.margin, market_terms(market, inputs.settings, None)[0])
    return market, prices, WeightsEngine(WeightsEngineSettings())._rules(inputs.settings, modelled=False)


def _vectorbt(folder: Path, columns: int, of: Callable[[Any], int] = lambda made: len(made.orders.values)) -> dict[str, float]:
    import vectorbt as vbt

    opened, close, weight = _read(folder, columns)
    size, valued = np.vstack([np.full((1, columns), np.nan), weight[:-1]]), np.vstack([close[:1], close[:-1]])

    def work(last: int = len(close)) -> int:
        some = slice(0, last)
        made = vbt.Portfolio.from_orders(
            close[some],
            size=size[some],
            size_type="targetpercent",
            price=opened[some],
            val_price=valued[some],
            fees=0.0005,
            init_cash=1e8,
            cash_sharing=True,
            group_by=np.zeros(columns, dtype=np.int64),
            call_seq="auto",
            freq="1D",
        )
        return of(made)

    work(5)
    return _best_of(work)


def _valued(made: Any) -> int:
    made.cash(), made.value()
    return len(made.orders.values)


def _framed(made: Any) -> int:
    made.assets(), _valued(made)
    return len(made.orders.records_readable)


def _backtrader(folder: Path, columns: int) -> dict[str, float]:
    import datetime as dt

    import backtrader as bt

    opened, close, weight = _read(folder, columns)
    days = [bt.date2num(dt.datetime.fromisoformat("2010-01-01")) + i for i in range(len(close))]

    class Feed(bt.feed.DataBase):
        params = (("column", 0),)

        def start(self) -> None:
            self._i, self._opens, self._closes = 0, opened[:, self.p.column].tolist(), close[:, self.p.column].tolist()

        def _load(self) -> bool:
            i, lines = self._i, self.lines
            if i >= len(days):
                return False
            lines.datetime[0], lines.open[0], lines.close[0] = days[i], self._opens[i], self._closes[i]
            lines.high[0], lines.low[0] = max(self._opens[i], self._closes[i]), min(self._opens[i], self._closes[i])
            lines.volume[0], lines.openinterest[0] = 1e6, 0.0
            self._i += 1
            return True

    class Weights(bt.Strategy):
        def next(self) -> None:
            for data, target in zip(self.datas, weight[len(self) - 1].tolist(), strict=True):
                self.order_target_percent(data, target)

    def work() -> int:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(1e8)
        cerebro.broker.setcommission(0.0005)
        for column in range(columns):
            cerebro.adddata(Feed(column=column))
        cerebro.addstrategy(Weights)
        (done,) = cerebro.run()
        return len(done.broker.orders)

    return _best_of(work, 1)


SIDES: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "vectorbt": _vectorbt,
    "vectorbt, valued": lambda folder, columns: _vectorbt(folder, columns, _valued),
    "vectorbt, tabled": lambda folder, columns: _vectorbt(folder, columns, _framed),
    "backtrader": _backtrader,
    "ours, orders": lambda folder, columns: _ours(folder, columns, "orders"),
    "ours, kernel": lambda folder, columns: _ours(folder, columns, "orders", _kernel),
    "ours, weights": lambda folder, columns: _ours(folder, columns, "weights"),
    "ours, account": lambda folder, columns: _ours(folder, columns, "weights", _account),
    "ours, tables": lambda folder, columns: _ours(folder, columns, "weights", _tables),
    "ours, of feeds": lambda folder, columns: _ours(folder, columns, "orders"),
}
AGAINST = {
    "vectorbt": (
        *(side for side in SIDES if side.startswith("vectorbt")),
        *(f"ours, {what}" for what in ("kernel", "orders", "weights", "account", "tables")),
    ),
    "backtrader": ("backtrader", "ours, of feeds"),
}
"""The sides that are measured beside each engine of others."""
RATIOS = {
    "times backtrader": ("backtrader", "ours, of feeds"),
    "times vectorbt's records, account": ("vectorbt", "ours, account"),
    "times vectorbt's cash and value, account": ("vectorbt, valued", "ours, account"),
    "times vectorbt's frames, tables": ("vectorbt, tabled", "ours, tables"),
    "times vectorbt's records, tables": ("vectorbt", "ours, tables"),
    "times vectorbt's records, kernel": ("vectorbt", "ours, kernel"),
    "times vectorbt's records, orders": ("vectorbt", "ours, orders"),
    "times vectorbt's records, weights": ("vectorbt", "ours, weights"),
}
"""What is printed -> theirs, ours."""


if __name__ == "__main__":
    main()
