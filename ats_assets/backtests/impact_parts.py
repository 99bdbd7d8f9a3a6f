"""What the trades of a backtest have cost, in the parts of its model of impact."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from ats_assets.impact import WHY
from ats_assets.impact.impact_model import costs_in_parts
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.settings import BacktestSettings

PARTS = ("spread", "fixed", "permanent", "temporary")


def trades_in_parts(trades: pl.DataFrame, impact: MarketImpact, costs: BacktestSettings, sessions: Sequence[date]) -> pl.DataFrame:
    """The trades in the market with their participation and what each part of the model has taken.

    Parameters
    ----------
    trades
        Rows of the contract `Trades`; delistings are left out.
    sessions
        Of the calendar, ascending: a trade is judged by what was known at the session before its own, under the ticker that it has.

    Returns
    -------
    DataFrame
        session, symbol, notional, participation (null where not known), `PARTS` in currency, why (null where all is the model's own).
    """
    before = {day: earlier for earlier, day in pairwise(sessions)}
    frames = []
    for (day,), rows in trades.filter(pl.col("reason") != "delisted").group_by("session", maintain_order=True):
        known = impact.inputs_at(before.get(day, date.min), rows["symbol"].to_list())  # pyright: ignore[reportArgumentType, reportCallIssue]
        scale = impact.scale_before(day)  # pyright: ignore[reportArgumentType]
        terms, why = impact.terms(known, costs, volume=np.full(rows.height, np.nan), scale=scale)
        value = rows["notional"].to_numpy()
        parts = costs_in_parts(value, terms, why)
        dollars = np.where(known["dollar_volume"] > 0.0, known["dollar_volume"], np.nan)
        frames.append(
            rows.select("session", "symbol", "notional").with_columns(
                participation=pl.Series(value / dollars, dtype=pl.Float64).fill_nan(None),
                **{name: pl.Series(value * getattr(parts, name), dtype=pl.Float64) for name in PARTS},
                why=pl.Series([WHY[one] or None for one in why], dtype=pl.String),
            )
        )
    return pl.concat(frames) if frames else _nothing()


def _nothing() -> pl.DataFrame:
    numbers = dict.fromkeys(("notional", "participation", *PARTS), pl.Float64)
    return pl.DataFrame(schema={"session": pl.Date, "symbol": pl.String, **numbers, "why": pl.String})
