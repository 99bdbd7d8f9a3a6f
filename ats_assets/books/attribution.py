"""Who or what made the profit: by strategy, model, factor, symbol and cost, each of which sums to all of it, to the cent.

- **strategy**, **symbol**, **cost**: sums over the rows of `profit`, which are whole cents.
- **model**: what a strategy made in a session is shared among the models whose scores it held positions by, those active at the decisions of the holding period before. A strategy that reads no
  scores has none.
- **factor**: returns before costs regressed on those of the market, size and momentum (`risk_analysis.factor_exposure`) over the whole backtest; a factor's part is its exposure times its return times
  the equity it was earned on. What the factors do not tell is `specific`, which makes the sum exact. The exposures are known afterwards only: they explain, they do not predict.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.books.apportionment import in_proportion
from ats_assets.books.schema import ATTRIBUTION_SCHEMA
from ats_assets.kernels.weight_limits import Floats
from ats_assets.risk_analysis.factor_exposure import factor_exposures

COSTS = ("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")
ACCOUNT, NO_MODEL, SPECIFIC = "(account)", "no model", "specific"
Parts = list[tuple[str, int, int]]
"""Name, and cents of pnl and costs."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What profit is attributed to, beside what its own rows say.

    Attributes
    ----------
    models
        Strategy -> session of a decision -> the model whose scores it traded; of strategies that read scores alone.
    holding_sessions
        Of how many decisions a position is the mean.
    equity
        session, equity of the account at each close.
    factors
        Name -> float64 of shape (n_sessions - 1,): a factor's return in each session but the first.
    """

    models: Mapping[str, Mapping[date, str]]
    holding_sessions: int
    equity: pl.DataFrame
    factors: Mapping[str, Floats]


def attribution(profit: pl.DataFrame, strategies: Sequence[str], explained: Explained) -> pl.DataFrame:
    """The table of the contract `Attribution`.

    Parameters
    ----------
    profit
        Rows of the contract `BookProfit`.
    strategies
        In the order of the settings.
    """
    rows = profit.with_columns(
        (pl.col("pnl", "income") * 100).round().cast(pl.Int64), costs=(pl.sum_horizontal(COSTS) * 100).round().cast(pl.Int64)
    )
    pnl, costs = int(rows["pnl"].sum()), int(rows["costs"].sum())
    found: list[tuple[str, str, int, int]] = []
    for dimension, parts in (
        ("strategy", _by_strategy(rows, strategies)),
        ("model", _by_model(rows, explained)),
        ("factor", _by_factor(rows, explained)),
        ("symbol", _by_symbol(rows)),
        ("cost", _by_cost(profit, rows)),
    ):
        found += [(dimension, *part) for part in parts]
    whole = pnl - costs
    made = [
        (dimension, part, own / 100, paid / 100, (own - paid) / 100, (own - paid) / whole + 0.0 if whole else None)
        for dimension, part, own, paid in found
    ]
    return pl.DataFrame(made, schema=ATTRIBUTION_SCHEMA, orient="row")


def _by_strategy(rows: pl.DataFrame, strategies: Sequence[str]) -> Parts:
    sums = {name: (pnl, costs) for name, pnl, costs in rows.group_by("strategy").agg(pl.col("pnl", "costs").sum()).iter_rows()}
    return [(name, *sums.get(name, (0, 0))) for name in dict.fromkeys([*strategies, *sums])]


def _by_symbol(rows: pl.DataFrame) -> Parts:
    """Of each instrument, by its newest ticker; two that bore the same one are told apart."""
    sums = (
        rows.sort("session")
        .group_by("instrument")
        .agg(pl.col("symbol").last(), pl.col("pnl", "costs").sum())
        .sort(pl.col("pnl") - pl.col("costs"), "instrument", descending=[True, False], nulls_last=True)
    )
    twice = {symbol for symbol, n in Counter(sums["symbol"]).items() if n > 1}
    parts = []
    for instrument, symbol, pnl, costs in sums.iter_rows():
        name = ACCOUNT if symbol is None else f"{symbol} ({instrument})" if symbol in twice else symbol
        parts.append((name, pnl, costs))
    return parts


def _by_cost(profit: pl.DataFrame, rows: pl.DataFrame) -> Parts:
    """What prices and payments brought, and what each kind of cost took."""
    pnl, income = int(rows["pnl"].sum()), int(rows["income"].sum())
    paid = [(name, 0, int((profit[name] * 100).round().cast(pl.Int64).sum())) for name in COSTS]
    return [("prices", pnl - income, 0), ("income", income, 0), *paid]


def _by_model(rows: pl.DataFrame, explained: Explained) -> Parts:
    days = explained.equity["session"].to_list()
    place = {day: i for i, day in enumerate(days)}
    sums: dict[str, list[int]] = {}
    for session, strategy, pnl, costs in (
        rows.group_by("session", "strategy", maintain_order=True).agg(pl.col("pnl", "costs").sum()).iter_rows()
    ):
        of_decisions = explained.models.get(strategy)
        first = max(0, place[session] - explained.holding_sessions)
        names = [of_decisions[day] for day in days[first : place[session]] if day in of_decisions] if of_decisions else []
        shares = Counter(names) or Counter([NO_MODEL])
        ordered = sorted(shares)
        sizes = [shares[name] for name in ordered]
        for name, own, paid in zip(ordered, in_proportion(pnl, sizes), in_proportion(costs, sizes), strict=True):
            total = sums.setdefault(name, [0, 0])
            total[0] += own
            total[1] += paid
    return [(name, own, paid) for name, (own, paid) in sorted(sums.items(), key=lambda one: (one[0] == NO_MODEL, one[0]))]


def _by_factor(rows: pl.DataFrame, explained: Explained) -> Parts:
    total, costs = int(rows["pnl"].sum()), int(rows["costs"].sum())
    parts: Parts = []
    equity = explained.equity
    if equity.height > 1:
        daily = equity.select("session").join(rows.group_by("session").agg(pl.col("pnl").sum()), on="session", how="left").sort("session")
        earned = daily["pnl"].fill_null(0).to_numpy()[1:].astype(np.float64) / 100.0
        base = equity["equity"].to_numpy()[:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = np.where(base > 0.0, earned / base, np.nan)
        exposures, _ = factor_exposures(returns, dict(explained.factors))
        for one in exposures:
            if one.factor in explained.factors:
                brought = one.exposure * np.nan_to_num(explained.factors[one.factor]) * np.maximum(base, 0.0)
                parts.append((one.factor, round(float(brought.sum()) * 100), 0))
    return [*parts, (SPECIFIC, total - sum(part[1] for part in parts), 0), ("costs", 0, costs)]
