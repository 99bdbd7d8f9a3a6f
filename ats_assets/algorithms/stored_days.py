"""Sessions as they were stored: the bars inside a session that backtest and paper broker play it from, and what earlier sessions tell of a symbol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.order_selection import KnownLiquidity
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.algorithms.symbol_day import SymbolDay
from ats_assets.algorithms.volume_profile import volume_profile
from ats_assets.calendar import SessionCalendar

EARLIER_SESSIONS = 21
"""Whose profile, volume and volatility an algorithm is told."""
_KEPT = 4 * EARLIER_SESSIONS

ReadSession = Callable[[date], pl.DataFrame]
"""The bars inside a session, of all symbols, with the columns of `InformationBars` or those of `MINUTE_SCHEMA`; an empty frame where none are stored."""


@dataclass(frozen=True, kw_only=True)
class DayPrices:
    """Of a symbol's session: the prices of its auctions; None where it was not traded."""

    open: float | None
    close: float | None


@dataclass(frozen=True, kw_only=True)
class EarlierSessions:
    """What the sessions before one tell of a symbol; see `SessionMarket`. None where they don't."""

    volume_profile: NDArray[np.float64] | None = None
    day_volume: float | None = None
    volatility: float | None = None


class StoredDays:
    """What is known of sessions from their stored bars.

    Parameters
    ----------
    spread
        As a share of the price, from which quotes are made where the bars have none.
    is_stored
        Whether the bars of a session are there; one without any is stored too.
    """

    def __init__(
        self, read: ReadSession, calendar: SessionCalendar, spread: float = 0.0, is_stored: Callable[[date], bool] = lambda _: True
    ) -> None:
        self._calendar, self._spread, self.is_stored = calendar, spread, is_stored
        self._read = lru_cache(maxsize=_KEPT)(lambda session: _by_symbol(read(session)))

    def times(self, session: date) -> SessionTimes:
        """The hours of a session."""
        return SessionTimes(session=session, opens_at=self._calendar.opens_at(session), closes_at=self._calendar.closes_at(session))

    def days(self, session: date, prices: Mapping[str, DayPrices]) -> dict[str, SymbolDay]:
        """A session of some symbols.

        Parameters
        ----------
        prices
            By symbol, those of the auctions, from the daily bars.
        """
        stored = self._read(session)
        return {symbol: self._day(symbol, session, stored.get(symbol), told) for symbol, told in sorted(prices.items())}

    def earlier(self, session: date) -> dict[str, EarlierSessions]:
        """What the sessions before one tell of each symbol that is stored of them."""
        symbols = {symbol for day in self._before(session) for symbol in self._read(day)}
        return {symbol: self.earlier_of(session, symbol) for symbol in sorted(symbols)}

    def earlier_of(self, session: date, symbol: str) -> EarlierSessions:
        """What the sessions before one tell of a symbol: to a backtest, the paper broker and the session loop the same."""
        days = [(self.times(day), found) for day in self._before(session) if (found := self._read(day).get(symbol)) is not None]
        times, past = self.times(session), [(one.opens_at, one.closes_at, bars) for one, bars in days]
        return EarlierSessions(
            volume_profile=volume_profile(past, times.opens_at, times.closes_at),
            day_volume=_day_volume([bars for *_, bars in past]),
            volatility=_volatility([bars for *_, bars in past]),
        )

    def _before(self, session: date) -> Sequence[date]:
        return self._calendar.window(session, EARLIER_SESSIONS + 1)[:-1]

    def liquidity(self, session: date, symbol: str, day_volume: float | None) -> KnownLiquidity:
        """What the close of a session tells of a symbol: its volume, and the mean of the spreads that its bars carry."""
        bars = self._read(session).get(symbol)
        spread = (
            None if bars is None or "spread" not in bars.columns else bars.select((pl.col("spread") / pl.col("close")).mean() * 1e4).item()
        )
        return KnownLiquidity(day_volume=day_volume or None, spread_bps=spread)

    def _day(self, symbol: str, session: date, bars: pl.DataFrame | None, told: DayPrices) -> SymbolDay:
        earlier = self.earlier_of(session, symbol)
        return SymbolDay(
            symbol=symbol,
            bars=MINUTE_SCHEMA.to_frame() if bars is None or told.open is None else bars,
            open=told.open,
            close=told.close,
            spread=self._spread,
            volume_profile=earlier.volume_profile,
            day_volume=earlier.day_volume,
            volatility=earlier.volatility,
        )


def _by_symbol(bars: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The bars of each symbol, ascending, that have a price; those without volume fill nothing, and stay."""
    if bars.is_empty():
        return {}
    named = bars if "starts_at" in bars.columns else bars.rename({"opened_at": "starts_at"})
    kept = [*MINUTE_SCHEMA.names(), *(name for name in ("bid", "ask", "spread") if name in named.columns)]
    frame = named.select("symbol", *kept).with_columns(pl.col("volume").fill_null(0.0)).cast(dict(MINUTE_SCHEMA.items()))
    return {
        str(symbol): rows.drop("symbol")
        for (symbol,), rows in frame.sort("symbol", "starts_at").partition_by("symbol", as_dict=True).items()
    }


def _day_volume(days: Sequence[pl.DataFrame]) -> float | None:
    """The mean of what was traded in a session, in shares at the last price: a mean of values, which no split changes."""
    values = [float((bars["close"] * bars["volume"]).sum()) for bars in days]
    return float(np.mean(values)) / float(days[-1]["close"][-1]) or None if values else None


def _volatility(days: Sequence[pl.DataFrame]) -> float | None:
    """Of a session, from its first price to its last: in no session is there a split or a dividend. None where there are too few to tell."""
    if len(days) < 2:
        return None
    returns = np.log([float(bars["close"][-1]) / float(bars["open"][0]) for bars in days])
    return float(np.sqrt(np.mean(returns**2))) or None
