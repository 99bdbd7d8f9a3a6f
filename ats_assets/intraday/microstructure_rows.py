"""Measures of microstructure beside each bar, over the window of bars that it ends.

A window counts bars and may reach into the sessions before, `intraday.lookback_sessions` at most. Prices of sessions are chained: each is multiplied so that it opens where the one
before it closed, since what happens between sessions is no trading, and a split is none either. A row is made of its symbol's bars up to its own, and is the same whether its
session is made alone or in a range.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from ats_assets.intraday.bar_ends import Floats
from ats_assets.intraday.intraday_volatility import bipower_variance, garman_klass, parkinson, realised_variance, yang_zhang
from ats_assets.intraday.order_flow import trade_imbalance, vpin
from ats_assets.intraday.price_impact import amihud, hasbrouck_lambda, kyle_lambda
from ats_assets.intraday.schema import NANOSECONDS
from ats_assets.intraday.sign_entropy import lempel_ziv, shannon_entropy
from ats_assets.intraday.spread_estimators import abdi_ranaldo, corwin_schultz, roll_spread

WORD: Final = 3
"""Signs of a word in `shannon_entropy`."""
MEASURES: Final[Mapping[str, str]] = {
    "roll_spread": "spread by Roll (1984), as a share of the price",
    "corwin_schultz": "spread by Corwin and Schultz (2012), as a share of the price",
    "abdi_ranaldo": "spread by Abdi and Ranaldo (2017), as a share of the price",
    "quoted_spread": "mean quoted spread over close; missing without quotes",
    "effective_spread": "mean effective spread of trades, by Blume and Goldstein (1992); missing without quotes beside trades",
    "realised_spread": "mean realised spread, by Huang and Stoll (1996), the later midpoint at each bar's end; likewise",
    "order_flow_imbalance": "sum of what quotes added to the bid less to the ask, in units, by Cont, Kukanov and Stoikov (2014); missing without their sizes",
    "amihud": "mean of |return| / dollar volume, by Amihud (2002)",
    "kyle_lambda": "slope of changes of price on bought less sold volume, by Kyle (1985)",
    "hasbrouck_lambda": "slope of returns on the signed root of bought less sold dollars, by Hasbrouck (2009)",
    "vpin": "sum |bought - sold| / volume, by Easley, López de Prado and O'Hara (2012)",
    "trade_imbalance": "sum (bought - sold) / volume",
    "realised_variance": "sum of squared returns of the window",
    "bipower_variance": "the same without jumps, by Barndorff-Nielsen and Shephard (2004)",
    "jump_share": "what of the realised variance is above the bipower variance, from 0 to 1",
    "parkinson": "variance of a bar by Parkinson (1980)",
    "garman_klass": "variance of a bar by Garman and Klass (1980)",
    "yang_zhang": "variance of a bar by Yang and Zhang (2000)",
    "sign_entropy": f"Shannon entropy of words of {WORD} signs of returns, in bits a sign",
    "lempel_ziv": "Lempel and Ziv's complexity of the signs of returns",
}
"""Name to what it says, in the order of the columns."""
SHARES: Final[Mapping[str, tuple[float, float]]] = {"vpin": (0.0, 1.0), "trade_imbalance": (-1.0, 1.0), "jump_share": (0.0, 1.0)}
"""Least and largest value of those that are shares."""
MICROSTRUCTURE: Final = "microstructure"
"""The asset."""
MICROSTRUCTURE_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "known_at": NANOSECONDS, **dict.fromkeys(MEASURES, pl.Float32)})
_READ: Final = ("open", "high", "low", "close", "volume", "buy_volume", "sell_volume", "dollar_volume", "spread")
_QUOTED: Final = ("effective_spread", "realised_spread", "order_flow")
"""Of bars, what is taken as it is."""


def microstructure_rows(
    bars: pl.DataFrame, days: Sequence[date], sessions: Sequence[date], *, window_bars: int, lookback_sessions: int
) -> pl.DataFrame:
    """The measures beside each bar of some sessions.

    Parameters
    ----------
    bars
        Of `INFORMATION_BARS_SCHEMA`, from `lookback_sessions` before the first of the sessions on.
    days
        Every session of the exchange that the bars span, ascending.
    sessions
        Those that are wanted, each one of `days`.

    Returns
    -------
    polars.DataFrame
        Of `MICROSTRUCTURE_SCHEMA`, sorted by session, symbol, known_at; NaN where a window is not full, or lacks what a measure needs.
    """
    parts = [MICROSTRUCTURE_SCHEMA.to_frame()]
    ordered = bars.sort("symbol", "session", "bar")
    place = {day: i for i, day in enumerate(days)}
    for session in sessions:
        first = days[max(0, place[session] - lookback_sessions)]
        window = ordered.filter(pl.col("session").is_between(first, session))
        parts += [_of_symbol(rows, session, window_bars) for rows in window.partition_by("symbol", maintain_order=True)]
    return pl.concat(parts)


def _of_symbol(rows: pl.DataFrame, session: date, window_bars: int) -> pl.DataFrame:
    own = rows.filter(session=session)
    panel = pl.concat([rows.filter(pl.col("session") < session).tail(window_bars - 1), own])
    missing = own.height - max(0, panel.height - window_bars + 1)
    found = _measures(panel, window_bars) if missing < own.height else {}
    columns = {name: np.concatenate([np.full(missing, np.nan), found.get(name, np.empty(0))]) for name in MEASURES}
    measured = [pl.Series(name, values).cast(pl.Float32) for name, values in columns.items()]
    return own.select("symbol", "session", "known_at").with_columns(measured)


def _measures(panel: pl.DataFrame, window_bars: int) -> dict[str, Floats]:
    """Of each full window of the panel, one symbol's bars in order."""
    raw = {name: panel[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in _READ}
    scale = _chained(raw["open"], raw["close"], panel["session"].to_physical().to_numpy())
    raw |= {name: panel[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in _QUOTED}
    whole = {name: raw[name] * scale for name in ("open", "high", "low", "close")}
    whole |= {
        "bought": raw["buy_volume"],
        "sold": raw["sell_volume"],
        "dollars": raw["dollar_volume"],
        "spread": raw["spread"] / raw["close"],
        **{name: raw[name] for name in _QUOTED},
    }
    whole["before"] = np.concatenate([whole["open"][:1], whole["close"][:-1]])
    whole["net_dollars"] = (raw["buy_volume"] - raw["sell_volume"]) * np.where(
        raw["volume"] > 0, raw["dollar_volume"] / raw["volume"], np.nan
    )
    w = {name: np.ascontiguousarray(sliding_window_view(values, window_bars)) for name, values in whole.items()}
    returns, changes = np.log(w["close"] / w["before"]), w["close"] - w["before"]
    signs = np.sign(changes).astype(np.int8)
    realised, bipower = realised_variance(returns), bipower_variance(returns)
    with np.errstate(invalid="ignore", divide="ignore"):
        jumps = np.where(realised > 0.0, np.clip(1.0 - bipower / realised, 0.0, 1.0), np.nan)
    ohlc = (w["open"], w["high"], w["low"], w["close"])
    return {
        "roll_spread": roll_spread(np.log(w["close"])),
        "corwin_schultz": corwin_schultz(w["high"], w["low"]),
        "abdi_ranaldo": abdi_ranaldo(w["close"], w["high"], w["low"]),
        "quoted_spread": w["spread"].mean(axis=-1),
        "effective_spread": w["effective_spread"].mean(axis=-1),
        "realised_spread": w["realised_spread"].mean(axis=-1),
        "order_flow_imbalance": w["order_flow"].sum(axis=-1),
        "amihud": amihud(returns, w["dollars"]),
        "kyle_lambda": kyle_lambda(changes, w["bought"] - w["sold"]),
        "hasbrouck_lambda": hasbrouck_lambda(returns, w["net_dollars"]),
        "vpin": vpin(w["bought"], w["sold"]),
        "trade_imbalance": trade_imbalance(w["bought"], w["sold"]),
        "realised_variance": realised,
        "bipower_variance": bipower,
        "jump_share": jumps,
        "parkinson": parkinson(w["high"], w["low"]),
        "garman_klass": garman_klass(*ohlc),
        "yang_zhang": yang_zhang(*ohlc),
        "sign_entropy": np.array([shannon_entropy.compiled(row, WORD) for row in signs]),
        "lempel_ziv": np.array([lempel_ziv.compiled(row) for row in signs]),
    }


def _chained(opens: Floats, closes: Floats, days: np.ndarray) -> Floats:
    """What the prices of each bar are multiplied by, so that a session opens at the close before it; the last session's are as they are."""
    scale = np.ones(len(opens))
    for i in range(len(opens) - 1, 0, -1):
        scale[i - 1] = scale[i] * (opens[i] / closes[i - 1] if days[i] != days[i - 1] else 1.0)
    return scale
