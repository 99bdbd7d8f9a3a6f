"""What a session held of one symbol, all of it: what a played session is played from. No algorithm sees it, but what is known by its time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.matching import MinuteBar
from ats_assets.algorithms.price_grid import exact, on_grid, price_step
from ats_assets.errors import ContractError


@dataclass(frozen=True, kw_only=True)
class SymbolDay:
    """One symbol's session.

    Attributes
    ----------
    bars
        Of `MINUTE_SCHEMA`, ascending; with columns bid and ask, the quote at each bar's end, where they are known.
    open, close
        The prices of the auctions; None: those of the first and the last bar.
    spread
        As a share of the price, from which a quote is made around each bar's close, where the bars have none; 0: no quote.
    volume_profile, day_volume, volatility
        As of `SessionMarket`.

    Raises
    ------
    ContractError
        If the bars go back in time, or a price is none.
    """

    symbol: str
    bars: pl.DataFrame
    open: float | None = None
    close: float | None = None
    spread: float = 0.0
    volume_profile: NDArray[np.float64] | None = field(default=None)
    day_volume: float | None = None
    volatility: float | None = None

    def __post_init__(self) -> None:
        if self.bars.is_empty():
            return
        if not self.bars["known_at"].is_sorted() or not self.bars["starts_at"].is_sorted():
            raise ContractError(f"the bars of {self.symbol} go back in time: sort them by starts_at, or look where they come from")
        prices = self.bars.select("open", "high", "low", "close").to_numpy()
        if not (np.isfinite(prices) & (prices > 0)).all():
            raise ContractError(
                f"the bars of {self.symbol} have prices that are none, or not above 0: quarantine them before they are traded on"
            )
        for name, at in (("open", 0), ("close", -1)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, float(self.bars[name][at]))

    @classmethod
    def empty(cls) -> "SymbolDay":
        """Of a symbol of which nothing is known."""
        return cls(symbol="", bars=MINUTE_SCHEMA.to_frame())

    @cached_property
    def minute_bars(self) -> Sequence[MinuteBar]:
        """The bars, as numbers."""
        names = ("starts_at", "known_at", "open", "high", "low", "close", "volume")
        return [MinuteBar(**dict(zip(names, row, strict=True))) for row in self.bars.select(names).iter_rows()]

    @cached_property
    def closes(self) -> Sequence[float]:
        """Of the bars."""
        return self.bars["close"].to_list()

    @cached_property
    def _known_at(self) -> list[datetime]:
        return self.bars["known_at"].to_list()

    def known_by(self, now: datetime) -> int:
        """How many bars are known."""
        return bisect_right(self._known_at, now)

    def ended_between(self, after: datetime | None, upto: datetime) -> Sequence[MinuteBar]:
        """The bars that are known since then."""
        return self.minute_bars[0 if after is None else self.known_by(after) : self.known_by(upto)]

    def quote_at(self, i: int) -> tuple[Decimal | None, Decimal | None]:
        """Bid and ask at the end of a bar; a quote that is crossed or lacks a side is none."""
        if i < 0:
            return None, None
        if "bid" in self.bars.columns:
            bid, ask = self.bars["bid"][i], self.bars["ask"][i]
            return (exact(bid), exact(ask)) if bid is not None and ask is not None and 0 < bid < ask else (None, None)
        if self.spread <= 0.0:
            return None, None
        close = self.closes[i]
        low, high = exact(close * (1.0 - self.spread / 2)), exact(close * (1.0 + self.spread / 2))
        step = price_step(self.symbol, exact(close))
        return max(step, on_grid(low, step, up=False)), on_grid(high, step, up=True)
