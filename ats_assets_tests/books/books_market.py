"""Random accounts of several strategies, and what the tests of their books share."""

from collections import defaultdict
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl

from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.books.account_books import BookInputs
from ats_assets.books.ledger_rows import Tables
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.portfolio.netting import netted
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import random_actions, random_market
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions

MONEY = ("cash", "positions_value", "equity", "pnl", "income")
COSTS = ("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")
CAPITAL = {"up": 0.5, "down": 0.3, "odd": 0.1}


def cents(money: float) -> int:
    """Money as whole cents."""
    return round(money * 100)


def random_books(
    seed: int, n_sessions: int, n_symbols: int, capital: dict[str, float], *, shorts: bool = True, renamed: bool = True
) -> tuple[BacktestResult, BookInputs, list[date]]:
    """A backtest of several strategies that often disagree, with splits, payments, halts, delistings, shorts and tickers that change."""
    random = np.random.default_rng(seed)
    bars, base, days = random_market(seed, n_sessions, n_symbols, shorts=shorts)
    actions = random_actions(seed, bars)
    signals = {}
    for name in capital:
        rows = base.filter(pl.Series(random.random(base.height) < 0.8))
        own = random.normal(0.4, 1.0, rows.height).clip(-1, 1) if shorts else random.random(rows.height)
        signals[name] = rows.with_columns(target_weight=pl.col("target_weight") * pl.Series(own, dtype=pl.Float64))
    changes = [(days[int(random.integers(1, n_sessions))], f"S{j}", f"N{j}") for j in range(n_symbols) if renamed and random.random() < 0.4]
    for day, old, new in changes:
        bars, actions = _renamed(bars, day, old, new), _renamed(actions, day, old, new, lag=1)
        signals = {name: _renamed(rows, day, old, new) for name, rows in signals.items()}
    plain = actions.with_columns(new_symbol=pl.lit(None, pl.String), new_ratio=pl.lit(None, pl.Float64)).select(*ACTIONS_SCHEMA)
    actions = pl.concat([name_change_actions(*changes), plain])
    known = identities_of(actions, "x")
    settings = BacktestSettings(
        initial_cash=float(random.choice([10_000.0, 123_456.78])),
        min_commission=float(random.choice([0.0, 1.0])),
        fractional_shares=bool(random.random() < 0.4),
        max_missing_sessions=2,
        delisting_haircut=float(random.choice([0.0, 0.3])),
        margin=MarginSettings(borrow_bps_a_year=900.0),
    )
    portfolio = PortfolioSettings(max_weight=0.5, max_turnover=float(random.choice([0.4, 2.0])))
    targets = netted(signals, capital).select("symbol", "session", target_weight="proposed_weight")
    limits = pl.when(pl.col("target_weight").abs() > 0.2).then(pl.col("target_weight") * 0.5).otherwise("target_weight")  # a risk rule
    targets = targets.with_columns(target_weight=limits)
    made = {"actions": actions, "portfolio": portfolio, "settings": settings}
    result = run_backtest(targets, bars, days, instruments=known, **made)

    def own(name: str) -> pl.DataFrame:
        return netted(signals, {other: share if other == name else 0.0 for other, share in capital.items()})

    inputs = BookInputs(capital=capital, targets=targets, averaged=own, bars=bars, known=known, **made)
    return result, inputs, days


def _renamed(rows: pl.DataFrame, day: date, old: str, new: str, lag: int = 0) -> pl.DataFrame:
    """From a session on (an action of that very session names the old ticker) a symbol has another name."""
    late = (pl.col("session") > day) if lag else (pl.col("session") >= day)
    return rows.with_columns(symbol=pl.when(late & (pl.col("symbol") == old)).then(pl.lit(new)).otherwise("symbol"))


def keep_the_books(books: Tables, result: BacktestResult, inputs: BookInputs) -> None:
    """Share for share and cent for cent: the books sum to the account, their fills to its trades, and each follows from its own rows."""
    together = books.equity.group_by("session", maintain_order=True).agg(pl.col(*MONEY, *COSTS, "other").sum())
    assert together["session"].to_list() == result.equity["session"].to_list()
    for name in (*MONEY, *COSTS[:3]):
        assert list(map(cents, together[name])) == list(map(cents, result.equity[name])), name
    financing = (together["borrow_cost"] + together["interest"]).to_list()
    assert list(map(cents, financing)) == list(map(cents, result.equity["financing_cost"]))
    assert not any(map(cents, together["other"])), "every cent of a backtest belongs to a trade, an action or a loan"
    held = books.positions.group_by("session", "symbol", "instrument").agg(pl.col("shares").sum().round(9), pl.col("value").sum().round(2))
    account = result.positions.select("session", "symbol", "instrument", "shares", "value").sort("session", "symbol", "instrument")
    assert held.filter(pl.col("shares") != 0).sort("session", "symbol", "instrument").equals(account)
    assert not held.filter((pl.col("shares") == 0) & (pl.col("value") != 0)).height
    _fills_sum_to_trades(books.fills, result.trades)
    _replayed(books, inputs.settings.initial_cash, dict(inputs.capital))


def _fills_sum_to_trades(fills: pl.DataFrame, trades: pl.DataFrame) -> None:
    keys = ["session", "instrument"]
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    traded = trades.group_by(keys).agg((pl.col("shares") * sign).sum().round(9), pl.col(*COSTS[:3], "cash_flow").sum().round(2)).sort(keys)
    split = fills.group_by(keys).agg(pl.col("shares").sum().round(9), pl.col(*COSTS[:3], "cash_flow").sum().round(2)).sort(keys)
    alone = split.join(traded, on=keys, how="anti")
    assert not alone.select("shares", *COSTS[:3], "cash_flow").to_numpy().any(), "what strategies trade with each other sums to nothing"
    assert split.join(traded, on=keys, how="semi").equals(traded)


def _replayed(books: Tables, initial: float, capital: dict[str, float]) -> None:
    """Each strategy's cash and shares from its own fills, income and costs: integers, and no code of the package."""
    rows = {name: getattr(books, name) for name in ("equity", "positions", "fills", "profit")}
    cash: dict[str, int] = {}
    value: dict[str, int] = defaultdict(int)
    flows: dict[tuple[object, str], int] = defaultdict(int)
    for session, strategy, flow in rows["fills"].select("session", "strategy", "cash_flow").iter_rows():
        flows[session, strategy] += cents(flow)
    for row in rows["profit"].iter_rows(named=True):
        moved = cents(row["income"]) - cents(row["borrow_cost"]) - cents(row["interest"]) + cents(row["other"])
        flows[row["session"], row["strategy"]] += moved
    marked: dict[tuple[object, str], int] = defaultdict(int)
    for session, strategy, worth in rows["positions"].select("session", "strategy", "value").iter_rows():
        marked[session, strategy] += cents(worth)
    for row in rows["equity"].iter_rows(named=True):
        session, name = row["session"], row["strategy"]
        if name not in cash:
            cash[name] = cents(row["cash"])
            part = Fraction(str(capital[name])) if name in capital else 1 - sum(Fraction(str(one)) for one in capital.values())
            assert abs(cash[name] - part * cents(initial)) < 1
        else:
            before = cash[name] + value[name]
            cash[name] += flows[session, name]
            costs = sum(cents(row[one]) for one in COSTS)
            assert cents(row["equity"]) - before == cents(row["pnl"]) - costs + cents(row["other"])
        value[name] = marked[session, name]
        assert (cents(row["cash"]), cents(row["positions_value"])) == (cash[name], value[name])
    if rows["equity"].height:
        assert sum(one for one in map(cents, rows["equity"].filter(session=rows["equity"]["session"][0])["cash"])) == cents(initial)
