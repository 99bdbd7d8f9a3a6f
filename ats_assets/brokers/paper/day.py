"""One session of the market, as the books of an account need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio import session_actions


@dataclass(frozen=True, kw_only=True)
class Day:
    """The bars of a session, arrays of shape (n_symbols,); NaN where there is none."""

    session: date
    opens_at: datetime
    closes_at: datetime
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    quoted: Booleans
    traded: Booleans
    volume: Floats
    """In shares."""
    ratio: Floats
    """New shares for an old one at the open; 1 where nothing happens."""
    paid: Floats
    """Cash for an old share at the open."""

    @classmethod
    def of(cls, session: date, symbols: Sequence[str], bars: pl.DataFrame, actions: pl.DataFrame, *, calendar: SessionCalendar) -> "Day":
        """The bars of the symbols, in their order.

        Parameters
        ----------
        bars
            Columns symbol, open, high, low, close, volume, one row for each symbol at most.
        actions
            Columns symbol, kind, ratio, cash.
        """
        named = pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String}).join(bars, on="symbol", how="left", maintain_order="left")
        prices = {name: named[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("open", "high", "low", "close")}
        ratio, paid = session_actions(actions, symbols)
        return cls(
            session=session,
            ratio=ratio,
            paid=paid,
            opens_at=calendar.opens_at(session),
            closes_at=calendar.closes_at(session),
            quoted=named["open"].is_not_null().to_numpy(),
            traded=(named["volume"].fill_null(0) > 0).to_numpy(),
            volume=named["volume"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            **prices,
        )
