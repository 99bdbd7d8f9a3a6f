"""What the loop knows of one symbol: its minute bars, the newest quote and price, and whether it is traded at all. Nothing here changes; what is new is another object."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA

MINUTE = timedelta(minutes=1)


class HeardBar(NamedTuple):
    """A minute bar, and when it was heard."""

    starts_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    known_at: datetime

    def says(self, other: "HeardBar") -> bool:
        """Whether it says the same, whenever it was heard."""
        return self[:-1] == other[:-1]


class Price(NamedTuple):
    """A price and its time on the market."""

    price: float
    at: datetime


class Quote(NamedTuple):
    """Both sides, and their time on the market."""

    bid: float
    ask: float
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SymbolState:
    """What is known of a symbol.

    Attributes
    ----------
    bars
        By time.
    last
        The newest price at which it was traded: of a trade, or a bar's close.
    newest
        Of all that was taken; what is older is late.
    """

    bars: tuple[HeardBar, ...] = ()
    quote: Quote | None = None
    last: Price | None = None
    newest: datetime | None = None
    halted: bool = False

    def bar_at(self, starts_at: datetime) -> HeardBar | None:
        """The bar of that minute, where it is known."""
        return next((bar for bar in reversed(self.bars) if bar.starts_at == starts_at), None)

    def with_bar(self, bar: HeardBar) -> "SymbolState":
        """With that bar, in the place of one of its minute."""
        later = (
            sum(1 for one in self.bars if one.starts_at > bar.starts_at) if self.bars and self.bars[-1].starts_at >= bar.starts_at else 0
        )
        split = len(self.bars) - later
        before = self.bars[: split - 1] if split and self.bars[split - 1].starts_at == bar.starts_at else self.bars[:split]
        found = replace(self, bars=(*before, bar, *self.bars[split:]))
        return found.with_price(Price(bar.close, bar.starts_at + MINUTE))

    def with_price(self, price: Price) -> "SymbolState":
        """With that price, unless a newer one is known."""
        last = price if self.last is None or price.at >= self.last.at else self.last
        return replace(self, last=last, newest=max(self.newest or price.at, price.at))

    def with_quote(self, quote: Quote) -> "SymbolState":
        """With that quote."""
        return replace(self, quote=quote, newest=max(self.newest or quote.at, quote.at))

    def frame(self, opens_at: datetime, closes_at: datetime) -> pl.DataFrame:
        """The bars between open and close, `MINUTE_SCHEMA`."""
        return pl.DataFrame([bar for bar in self.bars if opens_at <= bar.starts_at < closes_at], schema=MINUTE_SCHEMA, orient="row")
