"""Alpaca's snapshots of options as saved JSON: an answer of `/v1beta1/options/snapshots`, with `snapshots` in it, or what alpaca-py gives with raw_data, contracts alone.

Of each contract `latestQuote` (t, bp, bs, ap, as), `latestTrade` (p), `dailyBar` (t, o, h, l, c, v), `impliedVolatility` and `greeks` are taken; the bar only where it is of the day of
the file's newest time. What has no volatility or greeks, as options far from the money, has none here.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.options.option_sources.files.chain_rows import ChainReader
from ats_assets.options.quote_times import days_of, instants_of

_QUOTE: Final = {"bid": "bp", "ask": "ap", "bid_size": "bs", "ask_size": "as", "quoted_at": "t"}
_BAR: Final = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_GREEKS: Final = ("delta", "gamma", "theta", "vega", "rho")
_COLUMNS: Final = ("contract", *_QUOTE, "last", *_BAR, "vendor_volatility", *(f"vendor_{name}" for name in _GREEKS))


def snapshot_day(path: Path, zone: str) -> date | None:
    """The day of the newest time in a file, by the clock of a zone; None where it has no time."""
    texts = [text for row in _snapshots(path).values() for key in ("latestQuote", "latestTrade") if (text := _part(row, key).get("t"))]
    instants = instants_of(pl.Series([text for text in texts if isinstance(text, str)], dtype=pl.String), zone).drop_nulls()
    return days_of(instants, zone).max() if len(instants) else None  # pyright: ignore[reportReturnType]


def snapshot_rows(path: Path, day: date, zone: str) -> pl.DataFrame:
    """The contracts of a file as rows of a day.

    Raises
    ------
    SourceError
        If it is no JSON, or holds no snapshots.
    """
    cells = list(_cells(_snapshots(path), day, zone))
    texts = {name: [None if row[i] is None else str(row[i]) for row in cells] for i, name in enumerate(_COLUMNS)}
    table = pl.DataFrame(texts, schema=dict.fromkeys(_COLUMNS, pl.String))
    rows = ChainReader(names={name: name for name in _COLUMNS}, zone=zone).rows(table)
    return rows.with_columns(date=pl.lit(day, pl.Date))


def _cells(snapshots: Mapping[str, Any], day: date, zone: str) -> Iterator[tuple[Any, ...]]:
    for symbol, row in snapshots.items():
        quote, bar, greeks = _part(row, "latestQuote"), _part(row, "dailyBar"), _part(row, "greeks")
        is_of_day = days_of(instants_of(pl.Series([str(bar.get("t", ""))]), zone), zone)[0] == day
        volatility = row.get("impliedVolatility") if isinstance(row, Mapping) else None
        yield (
            symbol,
            *(quote.get(key) for key in _QUOTE.values()),
            _part(row, "latestTrade").get("p"),
            *(bar.get(key) if is_of_day else None for key in _BAR.values()),
            volatility,
            *(greeks.get(name) for name in _GREEKS),
        )


def _part(row: object, key: str) -> Mapping[str, Any]:
    part = row.get(key) if isinstance(row, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _snapshots(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is no JSON, or truncated ({error}): save it again, or remove it") from error
    found = content.get("snapshots", content) if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping) or not all(isinstance(row, Mapping) for row in found.values()):
        raise SourceError(
            f'{path} holds no snapshots of options: save the answer of Alpaca, {{"snapshots": {{"AAPL240419C00100000": {{…}}}}}}, or remove it'
        )
    return found
