"""What bars say of trading in each instrument: dollar volume, spread, volatility over the sessions up to each one.

All windows are summed session by session, so that a figure does not depend on which other instruments and sessions are made with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.intraday.spread_estimators import corwin_schultz
from ats_assets.kernels.weight_limits import Floats
from ats_assets.settings import Adjust

Estimator = Literal["corwin_schultz", "abdi_ranaldo"]


@dataclass(frozen=True, kw_only=True)
class TradedPanel:
    """Arrays of shape (n_days, n_instruments); NaN where there is no bar, or none before it.

    Attributes
    ----------
    dollars
        Close times volume.
    returns
        From close to close, free of corporate actions.
    spreads
        Of each two sessions in a row: the spread of Corwin and Schultz as a share of the price, or the product whose mean Abdi and Ranaldo take.
    quoted
        The mean quoted spread of a session as a share of the price, where there are quotes.
    estimator
        Which of the two.
    """

    instruments: list[str]
    dollars: Floats
    returns: Floats
    spreads: Floats
    quoted: Floats
    estimator: Estimator

    def dollar_volume(self, now: int, sessions: int, least: int) -> Floats:
        """The median of the sessions up to `now`, shape (n_instruments,); NaN with fewer than `least`."""
        window = np.sort(self.dollars[max(0, now - sessions + 1) : now + 1], axis=0)  # NaN comes last
        count = np.isfinite(window).sum(axis=0)
        low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(window) - 1)
        column = np.arange(window.shape[1])
        return np.where(count >= least, (window[low, column] + window[high, column]) / 2.0, np.nan)

    def volatility(self, now: int, sessions: int, least: int) -> Floats:
        """The standard deviation of the returns, as a share a session."""
        mean, count = _mean(self.returns[max(0, now - sessions + 1) : now + 1])
        squares, _ = _mean((self.returns[max(0, now - sessions + 1) : now + 1] - mean) ** 2)
        return np.where(count >= least, np.sqrt(squares * count / np.maximum(count - 1, 1)), np.nan)

    def spread(self, now: int, sessions: int, least: int) -> Floats:
        """The spread as a share of the price: the quoted one, where enough sessions have some, else the estimated one."""
        mean, count = _mean(self.spreads[max(0, now - sessions + 1) : now + 1])
        found = np.sqrt(np.maximum(4.0 * mean, 0.0)) if self.estimator == "abdi_ranaldo" else mean
        quoted, quotes = _mean(self.quoted[max(0, now - sessions + 1) : now + 1])
        return np.where(quotes >= least, quoted, np.where(count >= least, found, np.nan))


@dataclass(frozen=True, kw_only=True)
class TradedRows:
    """What is laid out.

    Attributes
    ----------
    bars
        symbol, session, high, low, close, volume.
    quoted
        symbol, session, quoted_spread, one row a session; None where there are no quotes.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    known: Identities
    adjust: Adjust
    quoted: pl.DataFrame | None = None


def traded_panel(given: TradedRows, days: Sequence[date], estimator: Estimator) -> TradedPanel:
    """Lay out consecutive sessions; a series follows an instrument through a change of its name."""
    known, actions = given.known, given.actions
    rows = known.named(given.bars).filter(pl.col("session").is_in(list(days)))
    series = rows[INSTRUMENT].unique().sort()
    place = {day: i for i, day in enumerate(days)}
    shape = (len(days), len(series))

    def laid_out(of: pl.DataFrame, name: str) -> Floats:
        found = np.full(shape, np.nan)
        at = of["session"].replace_strict(place, return_dtype=pl.Int64).to_numpy(), series.search_sorted(of[INSTRUMENT]).to_numpy()
        found[at] = of[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return found

    laid = {name: laid_out(rows, name) for name in ("high", "low", "close", "volume")}
    quoted = np.full(shape, np.nan)
    if given.quoted is not None:
        seen = known.named(given.quoted).filter(pl.col("session").is_in(list(days)) & pl.col(INSTRUMENT).is_in(series.implode()))
        quoted = laid_out(seen, "quoted_spread")
    factors, column = np.ones(shape), {one: i for i, one in enumerate(series)}
    for one, day, factor in adjustments(known.of_actions(actions), rows, given.adjust).select(INSTRUMENT, "session", "price").iter_rows():
        if one in column and day in place:
            factors[place[day], column[one]] = factor
    returns, spreads = np.full(shape, np.nan), np.full(shape, np.nan)
    before = {name: values[:-1] * factors[1:] for name, values in laid.items()}
    returns[1:] = laid["close"][1:] / before["close"] - 1.0
    spreads[1:] = _of_pairs(before, {name: values[1:] for name, values in laid.items()}, estimator)
    return TradedPanel(
        instruments=series.to_list(),
        dollars=laid["close"] * laid["volume"],
        returns=returns,
        spreads=spreads,
        quoted=quoted,
        estimator=estimator,
    )


def _of_pairs(before: dict[str, Floats], now: dict[str, Floats], estimator: Estimator) -> Floats:
    if estimator == "corwin_schultz":
        high, low = (np.stack([before[name], now[name]], axis=-1) for name in ("high", "low"))
        return corwin_schultz(high, low)
    middle, later = ((np.log(one["high"]) + np.log(one["low"])) / 2.0 for one in (before, now))
    close = np.log(before["close"])
    return (close - middle) * (close - later)


def _mean(values: Floats) -> tuple[Floats, Floats]:
    """Of each column the mean of what is known, and how many these are."""
    known = np.isfinite(values)
    total = np.zeros(values.shape[1])
    for row, there in zip(values, known, strict=True):  # in this order, however many columns there are
        total = total + np.where(there, row, 0.0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count
