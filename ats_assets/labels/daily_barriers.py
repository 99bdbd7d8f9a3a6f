"""Positions followed from session to session until they meet a barrier: what the labels of barriers are made of.

From the open after a decision on there are three barriers, in prices of which corporate actions are taken out: a gain and a loss, as returns or as multiples of the daily
volatility that was known at the decision (`labels.daily_volatility`), and a number of sessions. A position is long, or on the side that a strategy gave.

1. A session that opens beyond a barrier ends the position at its open: nobody was filled at the barrier.
2. Else a barrier is touched where the low is at or below it, or the high at or above it; the exit is at the barrier's price. A daily bar does not say which came first: where both
   were touched, it is the loss.
3. What has touched neither in the `max_holding_sessions` sessions from the entry on leaves at the next open, wherever that is.

A bar without volume is one that nobody traded on: it touches nothing, decides and buys nothing. What can't be sold at the end is worth its last close since the entry, so that
what was delisted keeps its label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from ats_assets.labels.daily_volatility import daily_returns, daily_volatility, volatility_window
from ats_assets.labels.label import positions
from ats_assets.labels.price_panel import Floats, PricePanel, factor_matrix, price_panel
from ats_assets.settings import KnownAfter

AT_ONCE = 64
"""Decision sessions that are followed at once: their matrices stay small, whatever the range."""
EXITS = ("barrier", "open", "last_close")
BarrierUnit = Literal["volatility", "returns"]
DAILY_ENDS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "side": pl.Int8,
        "volatility": pl.Float64,
        "met": pl.Int8,
        "return": pl.Float64,
        "touched_session": pl.Date,
        "exit": pl.String,
    }
)
"""`met` is 1 the gain, -1 the loss, 0 neither; `return` is that of the position."""


@dataclass(frozen=True, kw_only=True)
class BarrierRules:
    """When a position ends."""

    gain: float
    """In `unit`; 0: no such barrier."""
    loss: float
    max_holding_sessions: int
    min_holding_sessions: int
    """The session of the holding period, counted from 1, from which on a touch counts."""
    unit: BarrierUnit
    """Multiples of the daily volatility, or shares of the entry's price."""
    volatility_span_sessions: int
    min_returns: int
    """Daily returns that the volatility needs at least."""
    min_volatility: float
    """A day; with no more there is no position."""

    @property
    def back(self) -> int:
        """How many sessions before D the ends that are known at D reach back to: the longest holding period, and before it the window of the volatility."""
        return self.max_holding_sessions + 1 + (volatility_window(self.volatility_span_sessions) if self.unit == "volatility" else 0)

    @property
    def known_after(self) -> KnownAfter:
        """At the close of the first session that is watched at the earliest, of the vertical barrier's at the latest."""
        last = self.max_holding_sessions + 1
        return KnownAfter(first=min(self.min_holding_sessions, last), last=last)


def require_returns(settings: BaseModel, *barriers: str) -> None:
    """Refuse settings whose barriers are returns, while one of them was left at a default that is meant for volatilities.

    Raises
    ------
    ValueError
    """
    if getattr(settings, "unit", None) == "returns" and (absent := sorted(set(barriers) - settings.model_fields_set)):
        raise ValueError(f"unit is 'returns', so {' and '.join(absent)} must say which, such as 0.05 for 5%")


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """Positions that have ended, arrays of shape (n_ends,): rows of sessions, columns of series."""

    decision: NDArray[np.intp]
    column: NDArray[np.intp]
    known: NDArray[np.intp]
    priced: NDArray[np.intp]
    """The session of the exit's price."""
    side: NDArray[np.int8]
    volatility: Floats
    met: NDArray[np.int8]
    returns: Floats
    exit: NDArray[np.intp]
    """Its place in `EXITS`."""


@dataclass(frozen=True, kw_only=True)
class _Barriers:
    """The barriers of positions as shares of the entry, and on which side the positions are; arrays of shape (n_decisions, n_series)."""

    above: Floats
    below: Floats
    side: NDArray[np.int8]

    def first(self, n: int) -> "_Barriers":
        """Those of the first decisions."""
        return _Barriers(above=self.above[:n], below=self.below[:n], side=self.side[:n])


def daily_ends(
    bars: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    rules: BarrierRules,
    adjustments: pl.DataFrame | None = None,
    *,
    sides: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The ends of positions that become known at each of `sessions`.

    Parameters
    ----------
    bars
        symbol, perhaps instrument, session, open, high, low, close, volume; unique by (symbol, session), in any order. Rows outside `calendar_sessions` are not looked at.
    calendar_sessions
        Consecutive sessions of the calendar in order, from `rules.back` before the first of `sessions` (or the calendar's first) to the last of them.
    sessions
        The sessions to make, each one of `calendar_sessions`.
    adjustments
        symbol (instrument, where the bars have it), session, and the factor `price` by which prices before that session are multiplied; one row a key. Default: none.
    sides
        symbol, session, side: 1 long, -1 short; what is not there is no position. Default: all are long.

    Returns
    -------
    polars.DataFrame
        `DAILY_ENDS_SCHEMA`, sorted by (session, decision_session, symbol).

    Raises
    ------
    CalendarError
        If one of `sessions` is not one of `calendar_sessions`.
    ContractError
        If a bar is there twice.
    """
    position = positions(calendar_sessions, sessions)
    panel = price_panel(bars, calendar_sessions, ("open", "high", "low", "close"))
    factors = factor_matrix(adjustments, panel, position)
    side = np.ones(panel.traded.shape, np.int8) if sides is None else _side_matrix(sides, bars, panel, position)
    wanted = np.zeros(len(position), dtype=np.bool_)
    wanted[[position[session] for session in sessions]] = True
    known = np.flatnonzero(wanted)
    first, last = (max(0, known[0] - rules.max_holding_sessions - 1), known[-1]) if len(known) else (0, 0)
    returns = daily_returns(panel, factors)
    parts = [DAILY_ENDS_SCHEMA.to_frame()]
    for begin in range(first, last, AT_ONCE):
        decisions = np.arange(begin, min(begin + AT_ONCE, last))
        of_day = _volatility(returns, decisions, rules)
        ends = _ends(panel, factors, decisions, of_day, side[decisions], rules)
        parts += [_frame(some, panel, calendar_sessions, wanted) for some in ends]
    return pl.concat(parts).sort("session", "decision_session", "symbol")


def _volatility(returns: Floats, decisions: NDArray[np.intp], rules: BarrierRules) -> Floats:
    """Of a day at each decision, of shape (n_decisions, n_series): NaN where barriers are in it and it is not known or too small; where they are not, NaN throughout."""
    if rules.unit == "returns":
        return np.full((len(decisions), returns.shape[1]), np.nan)
    found = daily_volatility(returns, decisions, rules.volatility_span_sessions, rules.min_returns)
    return np.where(found > rules.min_volatility, found, np.nan)


def _side_matrix(sides: pl.DataFrame, bars: pl.DataFrame, panel: PricePanel, position: dict[date, int]) -> NDArray[np.int8]:
    """The sides of all sessions and series, of shape (n_sessions, n_series); a side of what had no bar at the session is none."""
    key = panel.series.name
    named = sides.join(bars.select(*dict.fromkeys(["symbol", "session", key])), on=["symbol", "session"], how="inner")
    found = named.filter(pl.col("session").is_in(list(position)))
    matrix = np.zeros(panel.traded.shape, np.int8)
    rows = found["session"].replace_strict(position, return_dtype=pl.Int64).to_numpy()
    matrix[rows, panel.series.search_sorted(found[key]).to_numpy()] = found["side"].to_numpy()
    return matrix


def _ends(  # noqa: PLR0917 - as the arrays lie
    panel: PricePanel,
    factors: Floats,
    decisions: NDArray[np.intp],
    of_day: Floats,
    side: NDArray[np.int8],
    rules: BarrierRules,
) -> Iterator[_Ends]:
    """Follow the positions of all decisions at once, from session to session, as far as there are sessions; each that ends is given out once."""
    opens, closes, horizon = panel.prices["open"], panel.prices["close"], rules.max_holding_sessions
    size = np.ones_like(of_day) if rules.unit == "returns" else of_day
    held = panel.traded[decisions] & panel.traded[decisions + 1] & ~np.isnan(size) & (side != 0)
    barriers = _barriers(size, side, rules)
    entry = opens[decisions + 1]
    last, left, priced = np.full_like(entry, np.nan), entry.copy(), np.zeros(entry.shape, dtype=np.intp)
    for age in range(1, horizon + 2):
        n = int(np.searchsorted(decisions + age, len(opens)))  # the first n have such a session
        held, priced, barriers = held[:n], priced[:n], barriers.first(n)
        entry, last, left = (one[:n] for one in (entry, last, left))
        rows = decisions[:n] + age
        entry = entry * factors[rows] if age > 1 else entry  # in shares of the session
        if age <= horizon:
            watched = held if age >= rules.min_holding_sessions else np.zeros_like(held)
            crossed, returns, at_open = _touched(panel, rows, entry=entry, barriers=barriers, held=watched, opening=age == 1)
            ended, at, how = crossed != 0, np.broadcast_to(rows[:, None], crossed.shape), np.where(at_open, 1, 0)
        else:
            ended, crossed, sold = held, np.zeros(held.shape, dtype=np.int8), panel.traded[rows]
            returns = np.where(sold, opens[rows] / entry, last / left) - 1.0
            at, how = np.where(sold, rows[:, None], priced), np.where(sold, 1, 2)
        i, j = np.nonzero(ended)
        yield _Ends(
            decision=decisions[i],
            column=j,
            known=rows[i],
            priced=at[i, j],
            side=barriers.side[i, j],
            volatility=of_day[i, j],
            met=crossed[i, j] * barriers.side[i, j],
            returns=returns[i, j] * barriers.side[i, j],
            exit=how[i, j],
        )
        held = held & ~ended
        there = ~np.isnan(opens[rows])
        last, left, priced = np.where(there, closes[rows], last), np.where(there, entry, left), np.where(there, rows[:, None], priced)


def _barriers(size: Floats, side: NDArray[np.int8], rules: BarrierRules) -> _Barriers:
    """Of a long position the gain is above and the loss below; of a short one the other way round."""
    gain, loss = (far * size if far else np.full_like(size, np.inf) for far in (rules.gain, rules.loss))
    return _Barriers(above=1.0 + np.where(side > 0, gain, loss), below=1.0 - np.where(side > 0, loss, gain), side=side)


def _touched(
    panel: PricePanel, rows: NDArray[np.intp], *, entry: Floats, barriers: _Barriers, held: NDArray[np.bool_], opening: bool
) -> tuple[NDArray[np.int8], Floats, NDArray[np.bool_]]:
    """Which barrier each position meets in its session (1 above, -1 below, 0 none), the return of the price, and whether it left at the open.

    Parameters
    ----------
    entry
        Prices of the entry, in shares of the session.
    opening
        Whether it is the session of the entry, at whose open nothing can be beyond a barrier.
    """
    opens, alive, long = panel.prices["open"][rows], held & panel.traded[rows], barriers.side > 0
    above, below = opens >= entry * barriers.above, opens <= entry * barriers.below
    at_open = alive & (above | below) & (not opening)
    fell = alive & np.where(at_open, below, panel.prices["low"][rows] <= entry * barriers.below)
    rose = alive & np.where(at_open, above, panel.prices["high"][rows] >= entry * barriers.above)
    fell, rose = fell & (long | ~rose), rose & (~long | ~fell)
    returns = np.where(at_open, opens / entry - 1.0, np.where(fell, barriers.below - 1.0, barriers.above - 1.0))
    return rose.astype(np.int8) - fell.astype(np.int8), returns, at_open


def _frame(ends: _Ends, panel: PricePanel, days: Sequence[date], wanted: NDArray[np.bool_]) -> pl.DataFrame:
    """The ends that are known at a wanted session, as rows."""
    some = np.flatnonzero(wanted[ends.known])
    calendar = pl.Series(days, dtype=pl.Date)
    columns = {
        "symbol": panel.symbols(ends.decision[some], ends.column[some]),
        "session": calendar.gather(ends.known[some]),
        "decision_session": calendar.gather(ends.decision[some]),
        "side": ends.side[some],
        "volatility": pl.Series(ends.volatility[some]).fill_nan(None),
        "met": ends.met[some],
        "return": ends.returns[some],
        "touched_session": calendar.gather(ends.priced[some]),
        "exit": pl.Series(EXITS).gather(ends.exit[some]),
    }
    return pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in DAILY_ENDS_SCHEMA.items()})
