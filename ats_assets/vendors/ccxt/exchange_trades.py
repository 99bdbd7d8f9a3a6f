"""Public trades of one pair from one instant to another, page by page, none lost and none twice.

Binance numbers its aggregate trades one by one, and gives them from any number on: the first one is found by time, the others by number, and a number that is missing is
asked for once more and then told. Kraken gives them from a time on: pages overlap, and what came is known by its number. Exchanges that give their newest trades alone can't
be paged through, and are refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from ats_assets.errors import SourceError
from ats_assets.vendors.ccxt.exchange import Exchange
from ats_assets.vendors.errors import VendorPagesError

PAGE: Final = 1000
_HOUR_MS: Final = 3_600_000
Page = list[dict[str, Any]]
BY_NUMBER: Final = frozenset({"binance", "binanceus"})
BY_TIME: Final = frozenset({"kraken"})


@dataclass
class TradeHoles:
    """Numbers that an exchange skipped: of each stretch the first and the last."""

    skipped: list[tuple[int, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(str(one) if one == other else f"{one} to {other}" for one, other in self.skipped[:10])


def paged_trades(exchange: Exchange, symbol: str, first: int, end: int, holes: TradeHoles) -> Iterator[Page]:
    """The trades from `first` until before `end` (milliseconds since 1970), in ccxt's form, ascending by number.

    Parameters
    ----------
    holes
        To which numbers that are missing are added.

    Raises
    ------
    SourceError
        If the exchange gives its newest trades alone.
    VendorPagesError
        If its pages do not go on, or its trades have no number.
    """
    if exchange.id in BY_NUMBER:
        yield from _by_number(exchange, symbol, first, end, holes)
    elif exchange.id in BY_TIME:
        yield from _by_time(exchange, symbol, first, end, holes)
    else:
        known = ", ".join(sorted(BY_NUMBER | BY_TIME))
        raise SourceError(
            f"{exchange.id}: its trades can't be paged through from a time on, and a part of a session would be taken for all of it: use {known}, or files"
        )


def _by_number(exchange: Exchange, symbol: str, first: int, end: int, holes: TradeHoles) -> Iterator[Page]:
    page = _first_page(exchange, symbol, first, end)
    expected = _number(exchange, page[0]) if page else 0
    asked_twice, before = False, list[dict[str, Any]]()
    while True:
        whole = _consecutive(exchange, symbol, page, expected)
        if whole:
            inside = [trade for trade in whole if first <= trade["timestamp"] < end]
            if inside:
                yield inside
            if whole[-1]["timestamp"] >= end:
                return
            expected, asked_twice = expected + len(whole), False
        elif not asked_twice:  # what was asked for is not there: once more, before it is called missing, or the end
            asked_twice, before = True, page
        elif page or before:  # either may be half a page: the end is where both are empty
            following = min(_number(exchange, one[0]) for one in (page, before) if one)
            holes.skipped.append((expected, following - 1))
            expected, asked_twice = following, False
        else:
            return
        page = _page(exchange, symbol, None, PAGE, {"fromId": expected})


def _first_page(exchange: Exchange, symbol: str, first: int, end: int) -> Page:
    """The page that begins with the first trade of the stretch; that the trade before it is older, is looked at."""
    for since in range(first, end, _HOUR_MS):  # ccxt asks for an hour at a time
        page = _page(exchange, symbol, since, PAGE) or _page(exchange, symbol, since, PAGE)
        if page:
            number = _number(exchange, page[0])
            before = _page(exchange, symbol, None, 1, {"fromId": number - 1}) if number > 0 else []
            if before and _number(exchange, before[0]) < number and before[0]["timestamp"] >= first:
                raise VendorPagesError(
                    f"{exchange.id}: asked for the trades of {symbol} from {first} on, it begins with number {number}, but number {number - 1} is no older: a part was left out. Ask again later"
                )
            return page
    return []


def _consecutive(exchange: Exchange, symbol: str, page: Page, expected: int) -> Page:
    """The trades of a page up to the first number that is missing."""
    whole: Page = []
    for trade in page:
        number = _number(exchange, trade)
        if number < expected + len(whole):
            raise VendorPagesError(
                f"{exchange.id}: asked for trades of {symbol} from number {expected} on, it answers {number}: a page came twice, or the pages lead back. Ask again later"
            )
        if number > expected + len(whole):
            break
        whole.append(trade)
    return whole


def _by_time(exchange: Exchange, symbol: str, first: int, end: int, holes: TradeHoles) -> Iterator[Page]:
    since, last = first - 1000, None  # it counts in seconds, and gives what is later than the one that is named
    while True:
        page = _page(exchange, symbol, since, PAGE)
        new = [trade for trade in page if last is None or _number(exchange, trade) > last]
        if not new:
            if len(page) >= PAGE:
                raise VendorPagesError(
                    f"{exchange.id}: more than {PAGE} trades of {symbol} share the second {since}, and no page goes beyond them"
                )
            return
        numbers = ([] if last is None else [last]) + [_number(exchange, trade) for trade in new]
        holes.skipped += [(one + 1, other - 1) for one, other in pairwise(numbers) if other > one + 1]
        inside = [trade for trade in new if first <= trade["timestamp"] < end]
        if inside:
            yield inside
        last = numbers[-1]
        if new[-1]["timestamp"] >= end:
            return
        since = new[-1]["timestamp"] // 1000 * 1000 - 1000


def _page(exchange: Exchange, symbol: str, since: int | None, limit: int, more: dict[str, Any] | None = None) -> Page:
    """A page, ascending by number: ccxt sorts numbers of one millisecond as texts, 10 before 9."""
    page = exchange.asked(exchange.library.fetch_trades, symbol, since, limit, more or {})
    return sorted(page, key=lambda trade: _number(exchange, trade))


def _number(exchange: Exchange, trade: dict[str, Any]) -> int:
    text = str(trade.get("id"))
    if not text.isdecimal():
        raise VendorPagesError(
            f"{exchange.id}: a trade has the id {text}, which is no number, so that pages can't be joined: use another exchange, or files"
        )
    return int(text)
