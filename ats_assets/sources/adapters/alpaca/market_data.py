"""Minute bars, trades, quotes, snapshots and option chains from Alpaca, session by session.

A row belongs to the session at whose close it was known: trades after the close, and those of the closing auction that are printed after it, are the next session's.
Snapshots and option chains exist for now only: they are taken after the close of a session and before the next open, or not at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import Settings
from ats_assets.sources.adapters.alpaca.connection import Connection
from ats_assets.sources.adapters.alpaca.listed_symbols import checked_symbols
from ats_assets.sources.adapters.alpaca.market_clock import SETTLING, latest_closed, latest_closed_crypto
from ats_assets.sources.adapters.alpaca.market_schema import (
    ALL,
    MINUTE_BARS,
    OPTION_CHAINS,
    QUOTES,
    SNAPSHOTS,
    TRADES,
)
from ats_assets.sources.collected import NANOSECONDS, Collected
from ats_assets.sources.wire_frames import Raw, instants, to_frame, without_repeats
from ats_assets.vendors.backoff import Backoff

SYMBOLS_AT_ONCE = 100
_MICROSECOND = timedelta(microseconds=1)


class AlpacaMarketData:
    """What Alpaca has beside daily bars, for the symbols of `source.alpaca`.

    Parameters
    ----------
    backoff, now
        As of `AlpacaSource`.
    """

    def __init__(
        self,
        settings: Settings,
        calendar: SessionCalendar,
        *,
        backoff: Backoff | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._choice = settings.source.alpaca
        self._calendar = calendar
        self._alpaca = Connection(settings, backoff)
        self._now = now

    def of(self, name: str, session: date) -> pl.DataFrame:
        """What `collect` names, of one session."""
        return getattr(self, name)(session)

    def minute_bars(self, session: date) -> pl.DataFrame:
        """Columns of `MINUTE_BARS`, sorted by symbol and time; likewise below."""
        return self._history(MINUTE_BARS, session, self._ask_bars)

    def trades(self, session: date) -> pl.DataFrame:
        """Columns of `TRADES`."""
        return self._history(TRADES, session, self._ask_trades)

    def quotes(self, session: date) -> pl.DataFrame:
        """Columns of `QUOTES`."""
        return self._history(QUOTES, session, self._ask_quotes)

    def snapshots(self, session: date) -> pl.DataFrame:
        """Columns of `SNAPSHOTS`, taken now.

        Raises
        ------
        SourceError
            If now is not between the close of `session` and the next open.
        """
        from alpaca.data.enums import DataFeed  # noqa: PLC0415
        from alpaca.data.requests import CryptoSnapshotRequest, StockSnapshotRequest  # noqa: PLC0415

        taken = self._require_now(session)
        rows: dict[str, list[dict[str, object]]] = {}
        for batch in _batches(self._symbols):
            if self._is_crypto:
                found: Any = self._alpaca.crypto.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=batch))
            else:
                found = self._alpaca.stocks.get_stock_snapshot(
                    StockSnapshotRequest(symbol_or_symbols=batch, feed=DataFeed(self._choice.feed))
                )
            rows |= {symbol: [_flat(raw) | {"taken_at": taken.isoformat()}] for symbol, raw in found.items() if raw is not None}
        return self._framed(SNAPSHOTS, rows, session)

    def option_chains(self, session: date) -> pl.DataFrame:
        """Columns of `OPTION_CHAINS`, taken now; as of `snapshots`."""
        from alpaca.data.enums import OptionsFeed  # noqa: PLC0415
        from alpaca.data.requests import OptionChainRequest  # noqa: PLC0415

        if not self._choice.option_underlyings:
            raise SourceError(
                "source.alpaca.collect has option_chains, but source.alpaca.option_underlyings is empty: name the underlyings"
            )
        taken = self._require_now(session)
        rows: dict[str, list[dict[str, object]]] = {}
        for underlying in checked_symbols(self._choice.option_underlyings, "us_equity"):
            request = OptionChainRequest(underlying_symbol=underlying, feed=OptionsFeed(self._choice.option_feed))
            chain: Any = self._alpaca.options.get_option_chain(request)
            more = {"taken_at": taken.isoformat(), "underlying": underlying}
            rows |= {symbol: [_flat(raw) | more] for symbol, raw in chain.items() if raw is not None}
        return self._framed(OPTION_CHAINS, rows, session)

    def can_be_taken(self, session: date) -> bool:
        """Whether a snapshot taken now is one of the close of `session`."""
        now = self._clock(session)
        return now is not None and now < self._calendar.opens_at(self._calendar.offset(session, 1))

    @property
    def _is_crypto(self) -> bool:
        return self._choice.asset_class == "crypto"

    @property
    def _symbols(self) -> list[str]:
        if not self._choice.symbols:
            raise SourceError(
                "source.alpaca.collect needs source.alpaca.symbols: so much data of every listed asset is not collected by default"
            )
        return checked_symbols(self._choice.symbols, self._choice.asset_class)

    def _clock(self, session: date) -> datetime | None:
        """Alpaca's time, where the session has closed by then."""
        machine = self._now()
        if self._is_crypto:
            closed = latest_closed_crypto(self._alpaca.crypto, self._calendar, machine)
        else:
            closed = latest_closed(self._alpaca.trading, self._calendar, machine)
        return closed.now if session <= closed.session else None

    def _require_now(self, session: date) -> datetime:
        now = self._clock(session)
        if now is None or now >= self._calendar.opens_at(self._calendar.offset(session, 1)):
            raise SourceError(
                f"a snapshot at the close of {session} can be taken only after it has closed and before the next session opens: what was not taken then is gone"
            )
        return now

    def _history(self, kind: Collected, session: date, ask: Callable[[list[str], datetime, datetime], Raw]) -> pl.DataFrame:
        now = self._clock(session)
        if now is None:
            raise SourceError(f"{kind.name} of {session}: the session has not closed yet; wait until it has")
        lasts = timedelta(seconds=kind.lasts_seconds)
        before = self._closed_before(session) - lasts
        upto = self._calendar.closes_at(session) - lasts
        # on the wire both ends belong to the span, and times have nanoseconds: what another session owns is left to it here
        end = upto if self._is_crypto or self._choice.feed == "iex" else min(upto, now - SETTLING)
        frames = [self._framed(kind, ask([symbol], before, end), session) for symbol in self._symbols]
        at, first, last = (
            pl.col(kind.stamp),
            pl.lit(before).cast(NANOSECONDS),
            pl.lit(upto).cast(NANOSECONDS),
        )  # or Polars would compare microseconds
        return pl.concat(frames).filter(at.is_null() | ((at > first) & (at <= last)))

    def _closed_before(self, session: date) -> datetime:
        """The close of the session before; for the first of all its own open."""
        if session == self._calendar.first:
            return self._calendar.opens_at(session) - _MICROSECOND
        return self._calendar.closes_at(self._calendar.offset(session, -1))

    def _framed(self, kind: Collected, raw: Raw, session: date) -> pl.DataFrame:
        rows = without_repeats(to_frame(raw, kind.columns)).with_columns(session=pl.lit(session, pl.Date))
        at = instants(pl.col(kind.stamp))
        fault = pl.when(at.is_null()).then(pl.lit(f"{kind.stamp}: no time that can be read"))
        joined = pl.concat_str(pl.col("defects"), fault, separator="; ", ignore_nulls=True)
        frame = rows.with_columns(defects=pl.when(joined != "").then(joined)).with_columns(at.cast(NANOSECONDS).alias(kind.stamp))
        return frame.select(kind.schema.names()).sort("symbol", kind.stamp, maintain_order=True).match_to_schema(kind.schema)

    def _ask_bars(self, symbols: list[str], start: datetime, end: datetime) -> Raw:
        from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest  # noqa: PLC0415
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit  # noqa: PLC0415

        minute = TimeFrame(1, TimeFrameUnit("Min"))
        span = {"symbol_or_symbols": symbols, "start": start, "end": end}
        if self._is_crypto:
            return self._alpaca.crypto.get_crypto_bars(CryptoBarsRequest(**span, timeframe=minute))  # pyright: ignore[reportReturnType]
        return self._alpaca.stocks.get_stock_bars(StockBarsRequest(**span, timeframe=minute, feed=self._feed, asof="-"))  # pyright: ignore[reportReturnType]

    def _ask_trades(self, symbols: list[str], start: datetime, end: datetime) -> Raw:
        from alpaca.data.requests import CryptoTradesRequest, StockTradesRequest  # noqa: PLC0415

        span = {"symbol_or_symbols": symbols, "start": start, "end": end}
        if self._is_crypto:
            return self._alpaca.crypto.get_crypto_trades(CryptoTradesRequest(**span))  # pyright: ignore[reportReturnType]
        return self._alpaca.stocks.get_stock_trades(StockTradesRequest(**span, feed=self._feed, asof="-"))  # pyright: ignore[reportReturnType]

    def _ask_quotes(self, symbols: list[str], start: datetime, end: datetime) -> Raw:
        from alpaca.data.requests import CryptoQuoteRequest, StockQuotesRequest  # noqa: PLC0415

        span = {"symbol_or_symbols": symbols, "start": start, "end": end}
        if self._is_crypto:
            return self._alpaca.crypto.get_crypto_quotes(CryptoQuoteRequest(**span))  # pyright: ignore[reportReturnType]
        return self._alpaca.stocks.get_stock_quotes(StockQuotesRequest(**span, feed=self._feed, asof="-"))  # pyright: ignore[reportReturnType]

    @property
    def _feed(self) -> Any:
        from alpaca.data.enums import DataFeed  # noqa: PLC0415

        return DataFeed.IEX if self._choice.feed == "iex" else DataFeed.SIP


def collected(name: str) -> Collected:
    """The kind that `collect` names."""
    return ALL[name]


def _batches(symbols: Sequence[str]) -> Iterator[list[str]]:
    for i in range(0, len(symbols), SYMBOLS_AT_ONCE):
        yield list(symbols[i : i + SYMBOLS_AT_ONCE])


def _flat(raw: Mapping[str, Any]) -> dict[str, object]:
    """A snapshot's parts as one row: trade_…, quote_…, day_…, previous_…, greeks and implied volatility under their own names."""
    row: dict[str, object] = {"impliedVolatility": raw.get("impliedVolatility"), **(raw.get("greeks") or {})}
    for part, before in (("latestTrade", "trade"), ("latestQuote", "quote"), ("dailyBar", "day"), ("prevDailyBar", "previous")):
        row |= {f"{before}_{key}": value for key, value in (raw.get(part) or {}).items()}
    return row
