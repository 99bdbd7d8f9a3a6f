"""The triple barrier over bars inside sessions, and meta-labels (López de Prado, Advances in Financial Machine Learning, 2018, sections 3.4 to 3.6).

A decision at the close of a bar is traded at the open of the next one (or, where settings say so, at that close). From there on three barriers are watched, bar by bar, as
`touches.first_touches` says: a gain, a loss, and a number of bars. Where a primary strategy gave a side, gain and loss are those of a position on that side, and so is the
return: a short one gains where the price falls. Without a side the position is a long one, and the label says which way the price went.

A position is closed at the last close of the last session that it may be held in, by default that of its decision: it needs no bar of a later session. A row is stored under the
session in which its end was known; of what was closed that is the last session that it could be held in, even where the symbol had no bar there. `known_at` is that of the bar in
which the position ended; that a bar was a session's last is known at the session's end, so that whoever learns inside a session counts on `session`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.errors import ContractError
from ats_assets.labels.bar_paths import BarPaths, Floats, Places, bar_paths
from ats_assets.labels.bar_volatility import bar_volatility
from ats_assets.labels.touches import AT_BARRIER, AT_LAST_CLOSE, AT_OPEN, OPEN_STILL, first_touches
from ats_assets.settings import NonNegative, Positive, Section

EVENT_LABELS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "bar": pl.Int32,
        "decided_at": pl.Datetime("ns", "UTC"),
        "known_at": pl.Datetime("ns", "UTC"),
        "label": pl.Int8,
        "return": pl.Float64,
        "touched_at": pl.Datetime("ns", "UTC"),
        "barrier": pl.String,
        "holding_bars": pl.Int32,
        "side": pl.Int8,
        "volatility": pl.Float64,
        "entry_price": pl.Float64,
        "exit_price": pl.Float64,
        "exit": pl.String,
    }
)
_EXITS = ("barrier", "open", "last_close")
_NEAR = 1e-6
"""Of a tick: a barrier counts as touched so near to its price, which is no multiple of a tick in binary."""


class EventBarrierSettings(Section):
    """Barriers of a position that is held for some bars."""

    unit: Literal["volatility", "returns", "ticks"] = Field(
        default="volatility",
        description="of the barriers: multiples of a bar's volatility at the decision, shares of the entry's price, or ticks",
    )
    gain: float = Field(
        default=4.0, ge=0, allow_inf_nan=False, description="in that unit; 0: no such barrier. Without a side it is the upper one"
    )
    loss: float = Field(
        default=4.0, ge=0, allow_inf_nan=False, description="in that unit; 0: no such barrier. Without a side it is the lower one"
    )
    tick_size: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="in the prices' currency; needed for barriers in ticks"
    )
    horizon_bars: Positive = Field(default=50, description="from the entry to the open at which a position leaves that met neither")
    min_bars: Positive = Field(default=1, description="the bar of the holding period, counted from 1, from which on a touch counts")
    entry: Literal["open", "close"] = Field(default="open", description="of the next bar, or of the decision's own")
    max_sessions: NonNegative = Field(default=0, description="sessions of the exchange after the decision's that it may be held into")
    volatility_span_bars: int = Field(default=50, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_volatility_bars: int = Field(default=20, ge=2, description="bars that the volatility needs at least: with fewer no label")
    min_volatility: float = Field(default=1e-6, ge=1e-9, description="a bar; with no more, prices hardly move: no label")
    lookback_sessions: Positive = Field(
        default=5, description="sessions of the exchange before its own that a bar's volatility looks back over"
    )

    @model_validator(mode="after")
    def _ticks_have_a_size(self) -> "EventBarrierSettings":
        if self.unit == "ticks" and self.tick_size is None:
            raise ValueError("unit is 'ticks', so tick_size must say how large one is, such as 0.01")
        return self


class _Positions(NamedTuple):
    """Positions before their end is known, arrays of shape (n_events,)."""

    decided: Places
    side: NDArray[np.int8]
    has_side: NDArray[np.bool_]
    entered: Places
    entry: Floats
    volatility: Floats


class _EventEnds(NamedTuple):
    """Where positions have ended, arrays of shape (n_events,)."""

    place: Places
    how: NDArray[np.int8]
    met: NDArray[np.int8]
    """1 gain, -1 loss, 0 neither."""
    price: Floats


def triple_barrier_events(bars: pl.DataFrame, events: pl.DataFrame, days: Sequence[date], settings: EventBarrierSettings) -> pl.DataFrame:
    """What became of the positions that events ask for.

    Parameters
    ----------
    bars
        Of information bars symbol, session, bar, known_at, open, high, low, close, and opened_at where it is there; in any order.
    events
        symbol, session, bar: at whose close a decision is made, such as of `cusum_events`. `side`, where that column is there: 1 long, -1 short, null as without the column,
        0 no position and no row.
    days
        Sessions of the exchange without a gap, those of the bars among them. To be whole, labels known in a session need the bars of `max_sessions` before it, and before these
        of `lookback_sessions` where barriers are in volatility.

    Returns
    -------
    polars.DataFrame
        `EVENT_LABELS_SCHEMA`, sorted by (symbol, decision_session, bar): of each event whose position has ended by the last of the days. `label` is 1 where the gain was met first, -1 where the loss
        was, 0 where neither; `return` is that of the position, before costs, which is short where the side is -1; `holding_bars` counts the bars from the entry to the end, both included
        (an end at an open does not hold that bar). An event at the last bar that may be held has nothing to enter at, and no row.

    Raises
    ------
    CalendarError, ContractError
        As `bar_paths`; ContractError also if an event is of no bar, or there twice.
    """
    paths = bar_paths(bars, days)
    positions = _positions(paths, events, settings)
    gain, loss = _distances(positions, settings)
    upper, lower = np.where(positions.side > 0, gain, loss), np.where(positions.side > 0, loss, gain)
    near = _NEAR * (settings.tick_size or 0.0) if settings.unit == "ticks" else 0.0
    until = paths.ends(settings.max_sessions)[positions.decided]
    closed = paths.day[positions.decided] + settings.max_sessions < len(days)
    prices = (paths.prices[name] for name in ("open", "high", "low", "close"))
    place, barrier, how, price = first_touches.compiled(
        *prices,
        positions.entered,
        positions.entered + settings.horizon_bars,
        until,
        closed,
        positions.entry + upper - near,
        positions.entry - lower + near,
        -positions.side,
        settings.min_bars - 1,
        settings.entry == "open",
    )
    at_barrier = (how == AT_BARRIER) & (place != OPEN_STILL)
    price = np.where(at_barrier, positions.entry + np.where(barrier > 0, upper, -lower), price)
    ends = _EventEnds(place, how, barrier * positions.side, price)
    return _labelled(paths, positions, ends, settings.max_sessions)


def entered_events(bars: pl.DataFrame, events: pl.DataFrame, days: Sequence[date], settings: EventBarrierSettings) -> pl.DataFrame:
    """The events that a position can be entered for, by what is known at their close: symbol, session, bar. Where barriers are in volatility, that one must be known.

    Parameters and errors as `triple_barrier_events`; of these events alone it gives labels.
    """
    paths = bar_paths(bars, days)
    return paths.rows.select("symbol", "session", "bar")[_positions(paths, events, settings).decided]


def meta_labels(labels: pl.DataFrame, *, vertical: Literal["return", "loss"] = "return") -> pl.DataFrame:
    """Whether the side of a primary strategy was right: 1 where its position met the gain before the loss, else 0.

    Parameters
    ----------
    labels
        Of `triple_barrier_events`, or any rows with label (1 gain, -1 loss, 0 neither), return and side.
    vertical
        What a position is that met neither: judged by its return, 1 above zero (the book's snippet 3.7), or always a loss.

    Returns
    -------
    polars.DataFrame
        The rows that have a side, with `label` replaced.

    Examples
    --------
    >>> rows = pl.DataFrame({"label": [1, -1, 0, 0, 1], "return": [0.02, -0.02, 0.01, -0.01, 0.02], "side": [1, -1, -1, 1, None]})
    >>> meta_labels(rows)["label"].to_list()
    [1, 0, 1, 0]
    """
    right = pl.col("label") == 1
    if vertical == "return":
        right |= (pl.col("label") == 0) & (pl.col("return") > 0)
    return labels.filter(pl.col("side").is_not_null()).with_columns(label=right.cast(pl.Int8))


def _positions(paths: BarPaths, events: pl.DataFrame, settings: EventBarrierSettings) -> _Positions:
    """What is entered, in the order of the bars."""
    keys = ["symbol", "session", "bar"]
    wanted = events.select(*keys, pl.col("side").cast(pl.Int8) if "side" in events.columns else pl.lit(None, pl.Int8).alias("side"))
    bars = paths.rows.select(*keys).with_row_index("place")
    found = wanted.join(bars, on=keys, how="inner").sort("place")
    if found.height < wanted.height:
        lost = wanted.join(bars, on=keys, how="anti").row(0)
        raise ContractError(
            f"there is an event of {lost[0]} at bar {lost[2]} of {lost[1]}, but no such bar: hand over the bars that the events were made of"
        )
    if found["place"].is_duplicated().any():
        twice = found.filter(found["place"].is_duplicated()).row(0)
        raise ContractError(f"there are two events of {twice[0]} at bar {twice[2]} of {twice[1]}: one decision for each bar")
    found = found.filter(pl.col("side").fill_null(1) != 0)
    decided = found["place"].cast(pl.Int64).to_numpy()
    entered = decided + 1
    bought, at = (paths.prices["open"], entered) if settings.entry == "open" else (paths.prices["close"], decided)
    entry = np.append(bought, np.nan)[at]
    if settings.unit == "volatility":
        span, least = settings.volatility_span_bars, settings.min_volatility_bars
        of_bar = bar_volatility(paths, span_bars=span, min_bars=least, lookback_sessions=settings.lookback_sessions)[decided]
        some = np.flatnonzero(of_bar > settings.min_volatility)
    else:
        of_bar, some = np.full(len(decided), np.nan), np.arange(len(decided))
    side = found["side"].fill_null(1).to_numpy()
    return _Positions(decided[some], side[some], found["side"].is_not_null().to_numpy()[some], entered[some], entry[some], of_bar[some])


def _distances(positions: _Positions, settings: EventBarrierSettings) -> tuple[Floats, Floats]:
    """How far gain and loss are from the entry, in its currency; infinite where there is no such barrier."""
    unit = {
        "volatility": positions.entry * positions.volatility,
        "returns": positions.entry,
        "ticks": np.full(len(positions.entry), settings.tick_size or 0.0),
    }[settings.unit]
    gain, loss = (unit * size if size else np.full(len(unit), np.inf) for size in (settings.gain, settings.loss))
    return gain, loss


def _labelled(paths: BarPaths, positions: _Positions, ends: _EventEnds, max_sessions: int) -> pl.DataFrame:
    """The rows of positions that have ended."""
    some = np.flatnonzero(ends.place != OPEN_STILL)
    place, how, met, price = ends.place[some], ends.how[some], ends.met[some], ends.price[some]
    decided, entry, side = positions.decided[some], positions.entry[some], positions.side[some]
    rows, at_open = paths.rows, how == AT_OPEN
    day = np.where(how == AT_LAST_CLOSE, paths.day[decided] + max_sessions, paths.day[place])
    opened = rows["opened_at" if "opened_at" in rows.columns else "known_at"]
    columns = {
        "symbol": rows["symbol"].gather(decided),
        "session": pl.Series(paths.days, dtype=pl.Date).gather(day),
        "decision_session": rows["session"].gather(decided),
        "bar": rows["bar"].gather(decided),
        "decided_at": rows["known_at"].gather(decided),
        "known_at": rows["known_at"].gather(place),
        "label": met,
        "return": side * (price / entry - 1.0),
        "touched_at": opened.gather(place).zip_with(pl.Series(at_open), rows["known_at"].gather(place)),
        "barrier": pl.Series(["loss", "vertical", "gain"]).gather(met.astype(np.int64) + 1),
        "holding_bars": place - positions.entered[some] + np.where(at_open, 0, 1),
        "side": pl.Series(side).set(pl.Series(~positions.has_side[some]), None),
        "volatility": positions.volatility[some],
        "entry_price": entry,
        "exit_price": price,
        "exit": pl.Series(_EXITS).gather(how),
    }
    made = pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in EVENT_LABELS_SCHEMA.items()})
    return made.with_columns(pl.col("volatility").fill_nan(None))
