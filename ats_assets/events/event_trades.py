"""The trades that predictions make, and what they come to: a backtest by the very labels that models learn, with costs.

A position is entered at the open of the bar after its decision where the model gives it more than `min_probability`, and left where its barriers say. Of a symbol there is one
position at a time: what is decided while it is held is passed over. Each symbol has an equal part of the capital, and each position all of that part.

Costs are a share of the quoted spread (the mean of the bar that is traded in) and so many basis points, of both ways. Where bars have no spread, none is
paid: such trades are marked, and the verdict claims nothing. Models are refitted as time goes on and predict what comes after:
every prediction here was made by a model that had seen none of its session.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.events.schema import EVENT_EQUITY_SCHEMA, EVENT_OUTCOMES_SCHEMA, EVENT_TRADES_SCHEMA
from ats_assets.labels.event_barriers import EventBarrierSettings, triple_barrier_events
from ats_assets.settings import EventBacktestSettings

_KEYS = ["symbol", "session", "bar"]


def sided_labels(predictions: pl.DataFrame, bars: pl.DataFrame, days: Sequence[date], barriers: EventBarrierSettings) -> pl.DataFrame:
    """What became of positions on the side of each prediction: the contract `EventLabels`, of those that have ended by the last of the days."""
    return triple_barrier_events(bars, predictions.select(*_KEYS, "side"), days, barriers)


def event_outcomes(predictions: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Predictions beside the returns of their positions, where these have ended: `EVENT_OUTCOMES_SCHEMA`."""
    ended = labels.select("symbol", "bar", session="decision_session", outcome="return")
    return predictions.join(ended, on=_KEYS, how="inner", maintain_order="left").select(EVENT_OUTCOMES_SCHEMA.names())


def event_trades(
    predictions: pl.DataFrame, labels: pl.DataFrame, bars: pl.DataFrame, settings: EventBacktestSettings, barriers: EventBarrierSettings
) -> pl.DataFrame:
    """The trades, `EVENT_TRADES_SCHEMA`, sorted by decision and symbol.

    Parameters
    ----------
    predictions
        The contract `EventPredictions`.
    labels
        Of `sided_labels`.
    bars
        The contract `InformationBars`, for the spread and the time of the entry.
    barriers
        That the labels were made with: they say where the entry is.
    """
    ended = labels.drop("session", "side").rename({"decision_session": "session", "known_at": "ended_at"})
    wanted = predictions.filter(pl.col("probability") > settings.min_probability).join(ended, on=_KEYS, how="inner", maintain_order="left")
    own = bars.sort(_KEYS)
    entries = own.select(
        *_KEYS,
        entered_at=pl.col("opened_at").shift(-1).over("symbol") if barriers.entry == "open" else pl.col("known_at"),
        entry_spread=pl.col("spread").shift(-1 if barriers.entry == "open" else 0).over("symbol"),
    )
    exits = own.select("symbol", ended_at="known_at", exit_spread="spread").unique(["symbol", "ended_at"], keep="last", maintain_order=True)
    found = wanted.join(entries, on=_KEYS, how="left", maintain_order="left")
    found = found.join(exits, on=["symbol", "ended_at"], how="left", maintain_order="left")
    found = found.sort("decided_at", "symbol", "bar")
    found = found.filter(pl.Series(_one_at_a_time(found), dtype=pl.Boolean))
    there, back = pl.col("entry_spread").fill_nan(None), pl.col("exit_spread").fill_nan(None)
    both = pl.coalesce(there, back) + pl.coalesce(back, there)  # a bar without quotes has the spread of the other one
    cost = settings.spread_share * both.fill_null(0.0) / pl.col("entry_price") + 2.0 * settings.cost_bps / 10_000
    made = found.with_columns(
        left_at="touched_at", return_gross="return", cost=cost, spread_known=both.is_not_null(), return_net=pl.col("return") - cost
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in EVENT_TRADES_SCHEMA.items())


def _one_at_a_time(wanted: pl.DataFrame) -> list[bool]:
    """Whether each position is entered: not while the one before of its symbol is held."""
    free: dict[str, int] = {}
    taken: list[bool] = []
    decided, left = (wanted[name].cast(pl.Int64).to_list() for name in ("decided_at", "touched_at"))
    for symbol, at, until in zip(wanted["symbol"].to_list(), decided, left, strict=True):
        taken.append(at >= free.get(symbol, at))
        if taken[-1]:
            free[symbol] = until
    return taken


def event_equity(trades: pl.DataFrame, sessions: Sequence[date], symbols: int) -> pl.DataFrame:
    """Returns and equity of each session, `EVENT_EQUITY_SCHEMA`; it begins at 1 before the first.

    Parameters
    ----------
    sessions
        Those that there were predictions in, ascending.
    symbols
        Among which the capital is divided.
    """
    by_session = trades.group_by("session").agg(
        trades=pl.len(), return_gross=pl.col("return_gross").sum(), cost=pl.col("cost").sum(), return_net=pl.col("return_net").sum()
    )
    rows = pl.DataFrame({"session": list(sessions)}, schema={"session": pl.Date}).join(
        by_session, on="session", how="left", maintain_order="left"
    )
    share = 1.0 / max(symbols, 1)
    rows = rows.with_columns(
        pl.col("trades").fill_null(0), *(pl.col(name).fill_null(0.0) * share for name in ("return_gross", "cost", "return_net"))
    )
    equity = np.cumprod(1.0 + rows["return_net"].to_numpy())
    return rows.with_columns(equity=pl.Series(equity)).select(pl.col(name).cast(dtype) for name, dtype in EVENT_EQUITY_SCHEMA.items())
