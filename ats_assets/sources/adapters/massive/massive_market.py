"""Minute bars and option chains from Massive, session by session.

A minute bar belongs to the session at whose close it was complete: those after the close are the next session's. Option chains exist for now only: a snapshot is taken after the close of a
session and before the next open, or not at all.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import Settings
from ats_assets.sources.adapters.massive.massive_bars import with_ticker
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.sources.collected import NANOSECONDS, Collected
from ats_assets.sources.wire_frames import WireColumn, to_frame, unread, without_repeats
from ats_assets.vendors.massive.delivery_times import delivered_at
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import flat_files, massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest

_F, _I, _S = pl.Float64, pl.Int64, pl.String


def _columns(*triples: tuple[str, str, Any]) -> tuple[WireColumn, ...]:
    return tuple(WireColumn(name=name, key=key, dtype=dtype) for name, key, dtype in triples)


MINUTE: Final = timedelta(minutes=1)
MINUTE_BARS: Final = Collected(
    name="minute_bars",
    asset="massive_minute_bars",
    stamp="start",
    lasts_seconds=60,
    columns=_columns(
        ("start", "t", _I),
        *(
            (name, key, _F)
            for name, key in zip(
                ("open", "high", "low", "close", "volume", "trades", "vwap"), ("o", "h", "l", "c", "v", "n", "vw"), strict=True
            )
        ),
    ),
)
"""One row for each minute with a trade, extended hours included; `start` is the minute's beginning. From flat files without `vwap`."""
OPTION_CHAINS: Final = Collected(
    name="option_chains",
    asset="massive_option_chains",
    stamp="taken_at",
    columns=_columns(
        ("taken_at", "taken_at", _I),
        ("underlying", "underlying", _S),
        ("expiry", "details_expiration_date", _S),
        ("strike", "details_strike_price", _F),
        ("right", "details_contract_type", _S),
        ("style", "details_exercise_style", _S),
        ("multiplier", "details_shares_per_contract", _F),
        *((f"day_{name}", f"day_{name}", _F) for name in ("open", "high", "low", "close", "volume", "vwap")),
        ("day_at", "day_last_updated", _I),
        *((name, f"last_quote_{name}", _F) for name in ("bid", "bid_size", "ask", "ask_size")),
        ("quote_at", "last_quote_last_updated", _I),
        ("quote_timeframe", "last_quote_timeframe", _S),
        ("trade_price", "last_trade_price", _F),
        ("trade_at", "last_trade_sip_timestamp", _I),
        ("open_interest", "open_interest", _F),
        ("implied_volatility", "implied_volatility", _F),
        *((name, f"greeks_{name}", _F) for name in ("delta", "gamma", "theta", "vega")),
        ("underlying_price", "underlying_asset_price", _F),
    ),
)
"""One row a contract (`symbol`, as O:AAPL240621C00170000) of the chosen underlyings, as it was when it was taken. Times but `taken_at` are nanoseconds since 1970, as they came."""
KINDS: Final = {kind.name: kind for kind in (MINUTE_BARS, OPTION_CHAINS)}
_LATEST: Final = 4_102_444_800
"""Seconds since 1970 at the end of 2099: no time that is read is after it."""
_PARTS: Final = ("details", "day", "last_quote", "last_trade", "greeks", "underlying_asset")
_MINUTES_OF_FILES: Final = ("ticker", "volume", "open", "close", "high", "low", "window_start", "transactions")


class MassiveMarketData:
    """What Massive has beside daily bars, as `source.massive` names it.

    Parameters
    ----------
    rest, files, now
        As of `MassiveSource`.
    """

    def __init__(
        self,
        own: MassiveSourceSettings,
        calendar: SessionCalendar,
        settings: Settings,
        *,
        rest: MassiveRest | None = None,
        files: FlatFiles | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._own = own
        self._calendar = calendar
        self._settings = settings
        self._given = rest, files
        self._now = now

    def of(self, name: str, session: date) -> pl.DataFrame:
        """What `collect` names, of one session."""
        return getattr(self, name)(session)

    def minute_bars(self, session: date) -> pl.DataFrame:
        """Columns of `MINUTE_BARS`, sorted by symbol and time.

        Raises
        ------
        SourceError
            If the session is not delivered yet, or it can't be asked for.
        """
        through = self._own.through
        due = delivered_at(self._calendar, session, "flat_files" if through == "flat_files" else self._settings.massive.delivery)
        if self._now() < due:
            raise SourceError(f"minute bars of {session} are delivered from {due:%Y-%m-%d %H:%M} UTC on: wait until then")
        before = self._closed_before(session) - MINUTE
        upto = self._calendar.closes_at(session) - MINUTE
        frames = list(self._minutes_of_files(session, before) if through == "flat_files" else self._minutes_asked_for(before, upto))
        rows = (
            pl.concat(frames)
            if frames
            else pl.DataFrame(schema={"symbol": _S, **{c.name: c.dtype for c in MINUTE_BARS.columns}, "defects": _S})
        )
        framed = self._framed(MINUTE_BARS, without_repeats(rows), session, "ms" if through == "api" else "ns")
        start, first, last = (pl.col("start"), *(pl.lit(at).cast(NANOSECONDS) for at in (before, upto)))
        return framed.filter(start.is_null() | ((start > first) & (start <= last)))

    def option_chains(self, session: date) -> pl.DataFrame:
        """Columns of `OPTION_CHAINS`, taken now.

        Raises
        ------
        SourceError
            If now is not between the close of `session` and the next open.
        """
        if not self.can_be_taken(session):
            raise SourceError(
                f"a snapshot at the close of {session} can be taken only after it has closed and before the next session opens: what was not taken then is gone"
            )
        taken = int(self._now().timestamp()) * 10**9
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for underlying in sorted(set(self._own.option_underlyings)):
            for row in self._rest.option_snapshot(underlying):
                flat = _flat(row) | {"taken_at": taken, "underlying": underlying}
                rows.setdefault(str(flat.get("details_ticker")), []).append(flat)
        return self._framed(OPTION_CHAINS, without_repeats(to_frame(rows, OPTION_CHAINS.columns)), session, "ns")

    def can_be_taken(self, session: date) -> bool:
        """Whether a snapshot taken now is one of the close of `session`."""
        closes, opens = self._calendar.closes_at(session), self._calendar.opens_at(self._calendar.offset(session, 1))
        return closes <= self._now() < opens

    def _closed_before(self, session: date) -> datetime:
        """The close of the session before; for the first of all its own open."""
        if session == self._calendar.first:
            return self._calendar.opens_at(session)
        return self._calendar.closes_at(self._calendar.offset(session, -1))

    def _minutes_asked_for(self, before: datetime, upto: datetime) -> Iterator[pl.DataFrame]:
        first, last = (str(int(at.timestamp() * 1000)) for at in (before, upto))
        for symbol in sorted(set(self._own.symbols)):
            rows = with_ticker(symbol, self._rest.aggregates(symbol, "minute", first, last))
            yield to_frame({symbol: rows}, MINUTE_BARS.columns)

    def _minutes_of_files(self, session: date, before: datetime) -> Iterator[pl.DataFrame]:
        """What the files of the days from the session before have of the symbols, or of all."""
        first = session if session == self._calendar.first else self._calendar.offset(session, -1)
        names = {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume", "trades": "transactions"}
        numbers = {name: pl.col(cell).cast(_F, strict=False).alias(name) for name, cell in names.items()}
        for day in self._calendar.sessions(first, session):
            for block in self._files.blocks("us_stocks_sip/minute_aggs_v1", day, _MINUTES_OF_FILES):
                ours = (
                    block.filter(pl.col("ticker").is_in(list(self._own.symbols)) | pl.col("ticker").is_null())
                    if self._own.symbols
                    else block
                )
                start = pl.col("window_start").cast(_I, strict=False)
                late = ours.filter((start >= int(before.timestamp()) * 10**9) | start.is_null())
                faults = [unread(pl.col(cell), numbers[name], name) for name, cell in names.items()]
                defects = pl.concat_str("defects", *faults, separator="; ", ignore_nulls=True)
                order = ["symbol", *(column.name for column in MINUTE_BARS.columns), "defects"]
                made = late.select(
                    symbol="ticker", start=start, **numbers, vwap=pl.lit(None, _F), defects=pl.when(defects != "").then(defects)
                )
                yield made.filter(pl.col("start").is_not_null() | pl.lit(day == session)).select(order)

    def _framed(self, kind: Collected, rows: pl.DataFrame, session: date, unit: Any) -> pl.DataFrame:
        stamp = pl.col(kind.stamp)
        known = pl.when(stamp.is_between(0, _LATEST * 10**3 if unit == "ms" else _LATEST * 10**9)).then(stamp)
        at = pl.from_epoch(known, time_unit=unit).dt.replace_time_zone("UTC").cast(NANOSECONDS)
        fault = pl.when(at.is_null()).then(pl.lit(f"{kind.stamp}: no time that can be read"))
        joined = pl.concat_str("defects", fault, separator="; ", ignore_nulls=True)
        framed = rows.with_columns(session=pl.lit(session, pl.Date), defects=pl.when(joined != "").then(joined)).with_columns(
            at.alias(kind.stamp)
        )
        symbol = pl.col("symbol").fill_null("")
        return (
            framed.with_columns(symbol=symbol)
            .select(kind.schema.names())
            .sort("symbol", kind.stamp, maintain_order=True)
            .match_to_schema(kind.schema)
        )

    @cached_property
    def _rest(self) -> MassiveRest:
        return self._given[0] or massive_rest(self._settings)

    @cached_property
    def _files(self) -> FlatFiles:
        return self._given[1] or flat_files(self._settings)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot's parts as one row: details_…, day_…, last_quote_… and so on."""
    flat = {name: value for name, value in row.items() if name not in _PARTS}
    for part in _PARTS:
        found = row.get(part)
        flat |= {f"{part}_{key}": value for key, value in found.items()} if isinstance(found, Mapping) else {}
    return flat
