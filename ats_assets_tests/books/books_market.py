"""Random accounts of several strategies, and what the tests of their books share."""

from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.books.account_books import BookInputs
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.portfolio.targets import netted
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import random_actions, random_market
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions

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
