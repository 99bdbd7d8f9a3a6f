"""The triple barrier: which of three ends a position came to first (López de Prado, Advances in Financial Machine Learning, 2018, section 3.4).

A decision after the close of session d is traded at the open of d+1. From there on there are three barriers, in prices of which corporate actions are taken out:

    upper     open[d+1] * (1 + upper_multiple * volatility[d])
    lower     open[d+1] * (1 - lower_multiple * volatility[d])
    vertical  the open of d+1+max_holding_sessions

The volatility of a day is what was known of it at the decision (`ats_assets.labels.daily_volatility`, after the book's snippet 3.1).

1. A session that opens beyond a barrier ends the position at its open: nobody was filled at the barrier.
2. Else the lower barrier is touched where the low is at or below it, and the upper one where the high is at or above it; the exit is at the barrier's price. A daily bar
   does not say which came first: where both were touched, it is the lower one, the worse for a long position.
3. What has touched neither in the `max_holding_sessions` sessions from the entry on leaves at the next open, wherever that is: the vertical barrier.

The label is 1, -1 or 0. It is known at the close of the session of the exit, d+1 at the earliest and d+1+max_holding_sessions at the latest, and stored there. A training
window counts on the latest: of the newest decisions only those with a quick end are known, which are no fair sample of all.

As with forward returns, a bar without volume is one that nobody traded on: it touches nothing, decides and buys nothing. What can't be sold at the vertical barrier is
worth its last close since the entry (`exit` = "last_close"), so that what was delisted keeps its label.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandera.polars as pa
import polars as pl
from numpy.typing import NDArray
from pandera.api.polars.model_config import BaseConfig
from pydantic import Field

from ats_assets.labels.daily_volatility import daily_returns, daily_volatility, volatility_window
from ats_assets.labels.label import ADJUSTMENTS, positions
from ats_assets.labels.price_panel import Floats, PricePanel, factor_matrix, price_panel
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import KnownAfter, Positive, Section, TrainingSettings

AT_ONCE = 64
"""Decision sessions that are followed at once: their matrices stay small, whatever the range."""
BARRIERS = {1: "upper", -1: "lower", 0: "vertical"}
EXITS = ("barrier", "open", "last_close")


class TripleBarrierSettings(Section):
    """Barriers in multiples of the daily volatility, and the longest holding period."""

    upper_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the daily volatility; 0: no upper barrier")
    lower_multiple: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="of the daily volatility; 0: no lower barrier")
    max_holding_sessions: Positive = Field(default=10, description="from the open of the entry to the open of the vertical barrier")
    volatility_span_sessions: int = Field(default=20, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_returns: int = Field(default=10, ge=2, description="daily returns that the volatility needs at least: with fewer no label")
    min_volatility: float = Field(default=1e-4, ge=1e-9, description="a day; with no more, prices hardly move: no label")


class TripleBarriers(pa.DataFrameModel):
    """Ends of positions, stored under the session at whose close they were known, sorted by (session, decision_session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the bars")
    session: date = pa.Field(description="session at whose close the outcome was known: that of the exit")
    decision_session: date = pa.Field(description="session after whose close the position is decided on; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the vertical barrier")
    volatility: float = pa.Field(gt=0, description="of a day, known at the decision")
    barrier: str = pa.Field(isin=[*BARRIERS.values()], description="the barrier that was met first")
    label: pl.Int8 = pa.Field(isin=[*BARRIERS], description="1 upper, -1 lower, 0 vertical")
    return_: float = pa.Field(alias="return", gt=-1, description="exit / entry - 1, in shares of one, before costs")
    touched_session: date = pa.Field(description="session of the exit's price: with last_close that of the last bar, else `session`")
    exit: str = pa.Field(
        isin=[*EXITS],
        description="price of the exit; open: beyond a barrier, or the vertical one; last_close: no bar with volume at the vertical one",
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "decision_session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _decided_before_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(
            (pl.col("decision_session") < pl.col("touched_session")) & (pl.col("touched_session") <= pl.col("session"))
        )

    @pa.dataframe_check
    def _the_return_has_the_labels_sign(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select((pl.col("label") == 0) | (pl.col("return").sign() == pl.col("label")))


TRIPLE_BARRIER_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "volatility": pl.Float64,
        "barrier": pl.String,
        "label": pl.Int8,
        "return": pl.Float64,
        "touched_session": pl.Date,
        "exit": pl.String,
    }
)


@dataclass(frozen=True, kw_only=True)
class _Ends:
    """Positions that have ended, arrays of shape (n_ends,): rows of sessions, columns of series."""

    decision: NDArray[np.intp]
    column: NDArray[np.intp]
    known: NDArray[np.intp]
    priced: NDArray[np.intp]
    """The session of the exit's price."""
    volatility: Floats
    label: NDArray[np.int8]
    returns: Floats
    exit: NDArray[np.intp]
    """Its place in `EXITS`."""


class TripleBarrierLabel:
    """Which of three barriers a position met first: a gain or a loss of so many daily volatilities, or the longest holding period."""

    contract = TripleBarriers
    schema = TRIPLE_BARRIER_SCHEMA
    keys = ("symbol", "decision_session")
    learnable = ("label", "return")

    def __init__(self, settings: TripleBarrierSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The longest holding period, and before it the window of the volatility."""
        back = self.settings.max_holding_sessions + 1 + volatility_window(self.settings.volatility_span_sessions)
        return Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1)

    def known_after(self, training: TrainingSettings) -> KnownAfter:  # noqa: ARG002 - the horizon is its own
        """At the close of the entry's session at the earliest, of the vertical barrier's at the latest."""
        return KnownAfter(first=1, last=self.settings.max_holding_sessions + 1)

    def label(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """See `triple_barriers`."""
        return triple_barriers(frames["bars"], days, sessions, self.settings, frames[ADJUSTMENTS])

    def outcomes(self, rows: pl.DataFrame, training: TrainingSettings) -> pl.DataFrame:
        """The label, or the return."""
        y = pl.col(training.label_column or self.learnable[0]).cast(pl.Float64)
        return rows.select("symbol", "session", "decision_session", y=y)


def triple_barriers(
    bars: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    settings: TripleBarrierSettings,
    adjustments: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The ends that become known at each of `sessions`.

    Parameters
    ----------
    bars
        symbol, perhaps instrument, session, open, high, low, close, volume; unique by (symbol, session), in any order. Rows outside `calendar_sessions` are not looked at.
    calendar_sessions
        Consecutive sessions of the calendar in order, from `max_holding_sessions` + 1 + `volatility_window(volatility_span_sessions)` before the first of `sessions` (or the calendar's first)
        to the last of them.
    sessions
        The sessions to make, each one of `calendar_sessions`.
    adjustments
        symbol (instrument, where the bars have it), session, and the factor `price` by which prices before that session are multiplied; one row a key. Default: none.

    Returns
    -------
    polars.DataFrame
        The contract `TripleBarriers`, sorted by (session, decision_session, symbol).

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
    wanted = np.zeros(len(position), dtype=np.bool_)
    wanted[[position[session] for session in sessions]] = True
    known = np.flatnonzero(wanted)
    first, last = (max(0, known[0] - settings.max_holding_sessions - 1), known[-1]) if len(known) else (0, 0)
    returns = daily_returns(panel, factors)
    parts = [TRIPLE_BARRIER_SCHEMA.to_frame()]
    for begin in range(first, last, AT_ONCE):
        decisions = np.arange(begin, min(begin + AT_ONCE, last))
        of_day = daily_volatility(returns, decisions, settings.volatility_span_sessions, settings.min_returns)
        parts += [_frame(ends, panel, calendar_sessions, wanted, settings) for ends in _ends(panel, factors, decisions, of_day, settings)]
    return pl.concat(parts).sort("session", "decision_session", "symbol")


def _ends(
    panel: PricePanel, factors: Floats, decisions: NDArray[np.intp], of_day: Floats, settings: TripleBarrierSettings
) -> Iterator[_Ends]:
    """Follow the positions of all decisions at once, from session to session, as far as there are sessions; each that ends is given out once."""
    opens, closes, horizon = panel.prices["open"], panel.prices["close"], settings.max_holding_sessions
    held = panel.traded[decisions] & panel.traded[decisions + 1] & (of_day > settings.min_volatility)
    upper = 1.0 + settings.upper_multiple * of_day if settings.upper_multiple else np.full_like(of_day, np.inf)
    lower = 1.0 - settings.lower_multiple * of_day if settings.lower_multiple else np.full_like(of_day, -np.inf)
    entry = opens[decisions + 1]
    last, left, priced = np.full_like(entry, np.nan), entry.copy(), np.zeros(entry.shape, dtype=np.intp)
    for age in range(1, horizon + 2):
        n = int(np.searchsorted(decisions + age, len(opens)))  # the first n have such a session
        held, priced = held[:n], priced[:n]
        entry, upper, lower, last, left = (one[:n] for one in (entry, upper, lower, last, left))
        rows = decisions[:n] + age
        entry = entry * factors[rows] if age > 1 else entry  # in shares of the session
        if age <= horizon:
            label, returns, at_open = _touched(panel, rows, entry=entry, upper=upper, lower=lower, held=held, opening=age == 1)
            ended, at, how = label != 0, np.broadcast_to(rows[:, None], label.shape), np.where(at_open, 1, 0)
        else:
            ended, label, sold = held, np.zeros(held.shape, dtype=np.int8), panel.traded[rows]
            returns = np.where(sold, opens[rows] / entry, last / left) - 1.0
            at, how = np.where(sold, rows[:, None], priced), np.where(sold, 1, 2)
        i, j = np.nonzero(ended)
        yield _Ends(
            decision=decisions[i],
            column=j,
            known=rows[i],
            priced=at[i, j],
            volatility=of_day[i, j],
            label=label[i, j],
            returns=returns[i, j],
            exit=how[i, j],
        )
        held = held & ~ended
        there = ~np.isnan(opens[rows])
        last, left, priced = np.where(there, closes[rows], last), np.where(there, entry, left), np.where(there, rows[:, None], priced)


def _touched(
    panel: PricePanel, rows: NDArray[np.intp], *, entry: Floats, upper: Floats, lower: Floats, held: NDArray[np.bool_], opening: bool
) -> tuple[NDArray[np.int8], Floats, NDArray[np.bool_]]:
    """The label of each position that meets a barrier in its session (0 where it meets none), its return, and whether it left at the open.

    Parameters
    ----------
    entry
        Prices of the entry, in shares of the session.
    upper, lower
        The barriers, as shares of the entry.
    opening
        Whether it is the session of the entry, at whose open nothing can be beyond a barrier.
    """
    opens, alive = panel.prices["open"][rows], held & panel.traded[rows]
    above, below = opens >= entry * upper, opens <= entry * lower
    at_open = alive & (above | below) & (not opening)
    fell = alive & np.where(at_open, below, panel.prices["low"][rows] <= entry * lower)
    rose = alive & ~fell & np.where(at_open, above, panel.prices["high"][rows] >= entry * upper)
    returns = np.where(at_open, opens / entry - 1.0, np.where(fell, lower - 1.0, upper - 1.0))
    return rose.astype(np.int8) - fell.astype(np.int8), returns, at_open


def _frame(
    ends: _Ends, panel: PricePanel, days: Sequence[date], wanted: NDArray[np.bool_], settings: TripleBarrierSettings
) -> pl.DataFrame:
    """The ends that are known at a wanted session, as rows."""
    some = np.flatnonzero(wanted[ends.known])
    calendar = pl.Series(days, dtype=pl.Date)
    label = pl.Series(ends.label[some])
    columns = {
        "symbol": panel.symbols(ends.decision[some], ends.column[some]),
        "session": calendar.gather(ends.known[some]),
        "decision_session": calendar.gather(ends.decision[some]),
        "horizon_sessions": pl.repeat(settings.max_holding_sessions, len(some), eager=True),
        "volatility": ends.volatility[some],
        "barrier": label.replace_strict(BARRIERS, return_dtype=pl.String),
        "label": label,
        "return": ends.returns[some],
        "touched_session": calendar.gather(ends.priced[some]),
        "exit": pl.Series(EXITS).gather(ends.exit[some]),
    }
    return pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in TRIPLE_BARRIER_SCHEMA.items()})


PLUGIN = Plugin(
    settings=TripleBarrierSettings,
    make=TripleBarrierLabel,
    quick={"max_holding_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2},
)
