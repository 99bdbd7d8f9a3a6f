"""A day of candles or of prices, made one bar; or none, with the reason.

Candles are stamped by their close: those of day D close after its midnight and up to the next one, all of them. Prices come about once an hour, and each hour of the day needs
one: the high and low are then the highest and lowest of these, and the close is the last one, up to an hour before the day's end. A bar is never made of candles that are longer
than a day, or of a part of a day.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl

from ats_assets.errors import SourceError, how_many
from ats_assets.sources.adapters.coingecko.gecko_client import Rows, midnight
from ats_assets.sources.schema import RAW_BARS_SCHEMA

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_LATEST_MS: Final = 2 * HOUR_MS
"""A value of the end of a day is no older."""
_Row = tuple[float | None, float | None, float | None, float | None, str | None]


def of_candles(candles: Rows, sessions: Sequence[date], step_ms: int, coin: str) -> dict[date, _Row]:
    """Open, high, low, close and what is wrong, of each session that has a candle.

    Parameters
    ----------
    step_ms
        How long a candle is, by what was asked for.

    Raises
    ------
    SourceError
        If the candles that came are longer.
    """
    stamps = sorted({int(row[0] or 0) for row in candles})
    apart = min((later - earlier for earlier, later in pairwise(stamps)), default=step_ms)
    if apart > step_ms:
        raise SourceError(
            f"CoinGecko: candles of {coin} are {apart / HOUR_MS:g} hours long, where {step_ms / HOUR_MS:g} were asked for: no bar of a day can be made of them"
        )
    by_stamp = {int(row[0] or 0): row for row in candles}
    found: dict[date, _Row] = {}
    for day in sessions:
        begin = midnight(day)
        wanted = [begin + step_ms * i for i in range(1, DAY_MS // step_ms + 1)]
        there = [by_stamp[stamp] for stamp in wanted if stamp in by_stamp]
        if len(there) == len(wanted):
            found[day] = _bar([row[1] for row in there], [row[2] for row in there], [row[3] for row in there], [row[4] for row in there])
        elif there:
            found[day] = _none(
                f"{len(there)} of {how_many(len(wanted), f'candle of {step_ms / HOUR_MS:g} hours', f'candles of {step_ms / HOUR_MS:g} hours')}"
            )
    return found


def of_prices(prices: Rows, sessions: Sequence[date]) -> dict[date, _Row]:
    """Likewise of prices of about each hour."""
    by_day: dict[int, list[tuple[int, float]]] = {}
    for stamp, price in sorted((int(row[0] or 0), row[1]) for row in prices if row[1] is not None):
        by_day.setdefault(stamp // DAY_MS, []).append((stamp, float(price or 0.0)))
    found: dict[date, _Row] = {}
    for day in sessions:
        points = by_day.get(midnight(day) // DAY_MS, [])
        hours = {stamp // HOUR_MS for stamp, _ in points}
        values = [price for _, price in points]
        if len(hours) == 24:
            found[day] = (values[0], max(values), min(values), values[-1], None)
        elif points:
            found[day] = _none(f"prices in {len(hours)} of 24 hours")
    return found


def at_the_end(points: Rows, day: date) -> float | None:
    """The newest value up to the end of a day; None where it is older than two hours then."""
    end = midnight(day) + DAY_MS
    inside = [(int(row[0] or 0), row[1]) for row in points if end - _LATEST_MS < int(row[0] or 0) <= end]
    return max(inside, key=lambda one: one[0])[1] if inside else None


def day_rows(symbol: str, bars: dict[date, _Row], volumes: Rows) -> pl.DataFrame:
    """The rows of `raw_bars`. The volume in coins is the money of the 24 hours up to the day's end, by the close."""
    cells = []
    for day, (opens, high, low, close, defects) in sorted(bars.items()):
        money = at_the_end(volumes, day)
        volume = money / close if money is not None and close else None
        cells.append((symbol, day, day, opens, high, low, close, volume, None, defects))
    return pl.DataFrame(cells, schema=RAW_BARS_SCHEMA, orient="row")


def _bar(opens: list[float | None], highs: list[float | None], lows: list[float | None], closes: list[float | None]) -> _Row:
    if any(value is None for column in (opens, highs, lows, closes) for value in column):
        return _none("a candle without a price")
    return opens[0], max(value for value in highs if value is not None), min(value for value in lows if value is not None), closes[-1], None


def _none(reason: str) -> _Row:
    return None, None, None, None, f"date: {reason}, too little to make a bar of the day"
