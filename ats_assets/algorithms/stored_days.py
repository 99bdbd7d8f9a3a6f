"""Sessions as they were stored: the bars inside a session that backtest and paper broker play it from, and what earlier sessions tell of a symbol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

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
        earlier = self._calendar.window(session, EARLIER_SESSIONS + 1)[:-1]
        times = self.times(session)
        return {symbol: self._day(symbol, stored.get(symbol), times, earlier, told) for symbol, told in sorted(prices.items())}

    def liquidity(self, session: date, symbol: str, day_volume: float | None) -> KnownLiquidity:
        """What the close of a session tells of a symbol: its volume, and the mean of the spreads that its bars carry."""
        bars = self._read(session).get(symbol)
        spread = (
            None if bars is None or "spread" not in bars.columns else bars.select((pl.col("spread") / pl.col("close")).mean() * 1e4).item()
        )
        return KnownLiquidity(day_volume=day_volume or None, spread_bps=spread)

    def _day(self, symbol: str, bars: pl.DataFrame | None, times: SessionTimes, earlier: Sequence[date], told: DayPrices) -> SymbolDay:
        hours = [(self._calendar.opens_at(day), self._calendar.closes_at(day)) for day in earlier]
        past = [(*at, found) for day, at in zip(earlier, hours, strict=True) if (found := self._read(day).get(symbol)) is not None]
        volumes = [float(one["volume"].sum()) for *_, one in past]
        return SymbolDay(
            symbol=symbol,
            bars=MINUTE_SCHEMA.to_frame() if bars is None or told.open is None else bars,
            open=told.open,
            close=told.close,
            spread=self._spread,
            volume_profile=volume_profile(past, times.opens_at, times.closes_at),
            day_volume=float(np.mean(volumes)) if volumes else None,
            volatility=_volatility([float(one["close"][-1]) for *_, one in past]),
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


def _volatility(closes: Sequence[float]) -> float | None:
    """Of a day, from the last prices of sessions in a row; None where there are too few to tell."""
    if len(closes) < 3:
        return None
    returns = np.diff(np.log(np.array(closes)))
    return float(np.sqrt(np.mean(returns**2))) or None
