"""Minute bars, quotes and trades of one session as they are stored: what a replay plays, and what decisions are judged by after the close."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.live.market_state import MINUTE

_AT = pl.Datetime("us", "UTC")
_F = pl.Float64
BARS = pl.Schema({"symbol": pl.String, "starts_at": _AT, "open": _F, "high": _F, "low": _F, "close": _F, "volume": _F})
QUOTES = pl.Schema({"symbol": pl.String, "at": _AT, "bid": _F, "ask": _F, "bid_size": _F, "ask_size": _F})
_OF_TICKS = pl.Schema(
    {"nanoseconds": pl.Int64, "exchange": pl.String, "conditions": pl.List(pl.String), "trade_id": pl.String, "tape": pl.String}
)
TRADES = pl.Schema({"symbol": pl.String, "at": _AT, "price": _F, "size": _F, **_OF_TICKS})
"""`nanoseconds` below the microsecond of `at`; what is beside price and size is null where it is not stored, as in the files of a folder."""
_TIMES = ("starts_at", "start", "at", "ts", "t", "timestamp", "time")
_AROUND = timedelta(hours=12)
_DELIVERED = "raw_trades"
_COLLECTED = {"bars": "alpaca_minute_bars", "quotes": "alpaca_quotes", "trades": "alpaca_trades"}


@dataclass(frozen=True, kw_only=True)
class StoredMarket:
    """One session, each frame sorted by time and symbol.

    Attributes
    ----------
    bars, quotes, trades
        `BARS`, `QUOTES`, `TRADES`; of quotes those with both sides.
    """

    bars: pl.DataFrame
    quotes: pl.DataFrame
    trades: pl.DataFrame

    @property
    def symbols(self) -> list[str]:
        """Those that there is anything of."""
        return sorted({*self.bars["symbol"], *self.quotes["symbol"], *self.trades["symbol"]})


def of_folder(folder: Path, opens_at: datetime, closes_at: datetime, symbols: Sequence[str] = (), *, timezone: str) -> StoredMarket:
    """The session as the Parquet files of a folder, or one file, have it; what a file holds is told by its columns.

    Parameters
    ----------
    symbols
        Only these; none: all.
    timezone
        Of times that have none.

    Raises
    ------
    SourceError
        If there is no file, or none holds anything of the session.
    """
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.parquet"))
    if not files:
        raise SourceError(f"{folder} has no Parquet file: name a folder with minute bars, quotes or trades")
    found: dict[str, list[pl.DataFrame]] = {"bars": [], "quotes": [], "trades": []}
    for file in files:
        rows = pl.scan_parquet(file)
        names = rows.collect_schema()
        at = next((name for name in _TIMES if name in names), None)
        kind = _kind(set(names))
        if at is None or kind is None or "symbol" not in names:
            continue
        zoned = pl.col(at) if getattr(names[at], "time_zone", None) else pl.col(at).dt.replace_time_zone(timezone)
        rows = rows.drop(_OF_TICKS.names(), strict=False).with_columns(found_at=zoned.dt.convert_time_zone("UTC").cast(_AT))
        rows = rows.filter(pl.col("found_at").is_between(opens_at - _AROUND, closes_at + _AROUND))
        if symbols:
            rows = rows.filter(pl.col("symbol").is_in(list(symbols)))
        for name, made in _OF_KIND[kind](rows).items():
            found[name].append(made.collect())
    market = _market(found)
    if not market.symbols:
        raise SourceError(
            f"{folder} has nothing of {opens_at:%Y-%m-%d}{f' of {chr(44).join(symbols)}' if symbols else ''}: choose another session"
        )
    return market


def of_warehouse(deployment: Deployment, session: date, symbols: Sequence[str] = ()) -> StoredMarket:
    """The session as it was collected (`source.alpaca.collect`), or as the assets `trades` and `quotes` have it; trades that are decided by each one as they were delivered.

    Raises
    ------
    SourceError
        If neither is stored.
    """
    warehouse = deployment.warehouse
    found: dict[str, list[pl.DataFrame]] = {"bars": [], "quotes": [], "trades": []}
    each = deployment.settings.live.events.enabled and warehouse.exists(_DELIVERED, session)
    for kind, asset in _COLLECTED.items():
        there = (
            _DELIVERED
            if each and kind == "trades"
            else asset
            if warehouse.exists(asset, session)
            else kind
            if kind != "bars" and warehouse.exists(kind, session)
            else None
        )
        if there is None:
            continue
        rows = warehouse.read(there, [session]).lazy()
        if symbols:
            rows = rows.filter(pl.col("symbol").is_in(list(symbols)))
        rows = rows.rename({"bid_price": "bid", "ask_price": "ask"}, strict=False)
        at = next(name for name in _TIMES if name in rows.collect_schema())
        if there == _DELIVERED:
            rows = rows.filter(pl.col(at).is_not_null(), ~pl.col("cancelled").fill_null(value=False)).sort("symbol", "sequence")
        below = pl.col(at).cast(pl.Datetime("ns", "UTC")).to_physical() % 1_000
        for name, made in _OF_KIND[kind](rows.with_columns(found_at=pl.col(at).cast(_AT), nanoseconds=below)).items():
            found[name].append(made.collect())
    if not found["bars"] and found["trades"]:
        found["bars"].append(minutes_of(pl.concat(found["trades"])))
    market = _market(found)
    if not market.symbols:
        raise SourceError(
            f"no minute bars, quotes or trades of {session} are stored: set source.alpaca.collect, or [intraday.trades], or name a folder"
        )
    return market


def minutes_of(trades: pl.DataFrame) -> pl.DataFrame:
    """Minute bars of trades, `BARS`; a minute without a trade is no bar."""
    return (
        trades.filter((pl.col("price") > 0.0) & (pl.col("size") > 0.0) & pl.col("price").is_finite() & pl.col("size").is_finite())
        .sort("symbol", "at", maintain_order=True)
        .group_by("symbol", starts_at=pl.col("at").dt.truncate("1m"), maintain_order=True)
        .agg(
            open=pl.col("price").first(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            close=pl.col("price").last(),
            volume=pl.col("size").sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in BARS.items())
    )


def _kind(names: set[str]) -> str | None:
    if {"open", "high", "low", "close"} <= names:
        return "bars"
    if {"bid_close", "ask_close"} <= names:
        return "quote_bars"
    if {"bid", "ask"} <= names:
        return "quotes"
    return "trades" if "price" in names else None


def _bars(rows: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    return {"bars": _as(BARS, rows.with_columns(starts_at="found_at"))}


def _quote_bars(rows: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Of a quote's minute bar the quote at its end."""
    return _quotes(rows.rename({"bid_close": "bid", "ask_close": "ask"}).with_columns(found_at=pl.col("found_at") + MINUTE))


def _quotes(rows: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    both = (pl.col("bid") > 0) & (pl.col("ask") > 0)
    return {"quotes": _as(QUOTES, rows.with_columns(at="found_at").filter(both))}


def _trades(rows: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    return {"trades": _as(TRADES, rows.with_columns(at="found_at"))}


_OF_KIND: dict[str, Callable[[pl.LazyFrame], dict[str, pl.LazyFrame]]] = {
    "bars": _bars,
    "quote_bars": _quote_bars,
    "quotes": _quotes,
    "trades": _trades,
}


def _as(schema: pl.Schema, rows: pl.LazyFrame) -> pl.LazyFrame:
    there = rows.collect_schema()
    return rows.select((pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items())


def _market(found: dict[str, list[pl.DataFrame]]) -> StoredMarket:
    frames = {
        name: pl.concat([schema.to_frame(), *found[name]]).sort("starts_at" if name == "bars" else "at", "symbol", maintain_order=True)
        for name, schema in (("bars", BARS), ("quotes", QUOTES), ("trades", TRADES))
    }
    return StoredMarket(**frames)
