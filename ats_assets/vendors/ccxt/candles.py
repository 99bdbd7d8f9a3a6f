"""Daily candles of one pair, page by page.

1. A page is asked from the last candle's day on, an empty one twice; exchanges whose pages are stretches of time (an empty one says nothing of what comes after) are walked through in steps.
2. Candles come once and ascending, from within the range. Two that differ under one stamp are an error: neither can be trusted.
3. Days between the first and the last candle without one are asked for once more, by themselves, so that what a page lost is no hole. What is missing then, the exchange
   does not have: it is left out (ccxt fills nothing, issue 8068 there), and whoever asked can name it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ats_assets.vendors.ccxt.exchange import Exchange
from ats_assets.vendors.errors import VendorPagesError

DAY_MS: Final = 86_400_000
_MOST_HOLES: Final = 50
"""Stretches of missing days that are asked for again, of one pair in one range."""


class Candle(NamedTuple):
    """A day: the instant that it begins (milliseconds since 1970), prices, volume in coins, and the average price; None where the exchange does not say it."""

    at: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    vwap: float | None


def daily_candles(exchange: Exchange, symbol: str, first: int, last: int) -> list[Candle]:
    """The candles that begin from `first` to `last`, both included and in milliseconds, ascending.

    Raises
    ------
    VendorPagesError
        If a page comes twice, or two candles of one day differ.
    VendorError
        If the exchange can't be asked.
    """
    found = _walk(exchange, symbol, first, last)
    for begin, end in _holes(found)[:_MOST_HOLES]:
        found |= _walk(exchange, symbol, begin, end)
    return [found[at] for at in sorted(found)]


def _walk(exchange: Exchange, symbol: str, first: int, last: int) -> dict[int, Candle]:
    found: dict[int, Candle] = {}
    since = first
    while since <= last:
        limit = min(exchange.page_limit, (last - since) // DAY_MS + 1)
        page = _page(exchange, symbol, since, limit) or _page(exchange, symbol, since, limit)
        _require_ascending(exchange, symbol, page)
        for candle in page:
            if first <= candle.at <= last:
                found[candle.at] = candle
        newest = page[-1].at if page else None
        if newest is not None and newest + DAY_MS <= since:
            raise VendorPagesError(
                f"{exchange.id}: asked for candles of {symbol} from {since} on, the newest of its answer is {newest}: its pages do not go on"
            )
        since = since + limit * DAY_MS if newest is None else newest + DAY_MS
    return found


def _page(exchange: Exchange, symbol: str, since: int, limit: int) -> list[Candle]:
    return [_candle(row) for row in exchange.asked(exchange.library.fetch_ohlcv, symbol, "1d", since, limit)]


def _candle(row: Sequence[Any]) -> Candle:
    return Candle(int(row[0]), *row[1:7])


def _require_ascending(exchange: Exchange, symbol: str, page: Sequence[Candle]) -> None:
    for one, other in pairwise(page):
        if one.at == other.at and one != other:
            raise VendorPagesError(
                f"{exchange.id}: two candles of {symbol} begin at {one.at} and differ: neither can be trusted, ask again later"
            )


def _holes(found: dict[int, Candle]) -> list[tuple[int, int]]:
    """Stretches of days without a candle, between those that there are."""
    there = sorted(found)
    return [(one + DAY_MS, other - DAY_MS) for one, other in pairwise(there) if other - one >= 2 * DAY_MS]
