"""Ticks as arrays: trades or quotes of any number of sessions and symbols, one group for each session and symbol."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.intraday.bar_ends import EXTREME, PRICED, TRADED, Codes, Floats, Places
from ats_assets.intraday.order_flow import order_flow
from ats_assets.intraday.schema import NANOSECONDS
from ats_assets.intraday.trade_sides import quote_rule, tick_rule
from ats_assets.kernels.kernel import kernel

_COUNTS: Final = ("for_volume", "for_price", "for_high_low")
TRADE_COLUMNS: Final = ("symbol", "session", "at", "sequence", "price", "size", "for_price", "for_high_low", "for_volume")
QUOTE_COLUMNS: Final = ("symbol", "session", "at", "sequence", "bid", "ask", "bid_size", "ask_size")
"""What is read of each: the rest of a large partition stays on the disk."""


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """Ticks of groups in the order of session and symbol, and in each in order of time. Arrays are read-only, of shape (n_ticks,) but where it is said.

    Parameters
    ----------
    keys
        session and symbol, one row a group.
    starts
        Of shape (n_groups + 1,).
    price
        Of a trade; the midpoint of a quote.
    size
        0 where there is none, in which case `codes` lacks `TRADED`.
    codes
        `PRICED`, `TRADED` and `EXTREME`: what each counts for.
    sides
        1 bought, -1 sold, 0 not known.
    at
        Nanoseconds since 1970, UTC.
    spread
        The quoted spread that stood at each; NaN where none did. None where no quotes are read.
    mid
        The midpoint that stood before each trade; NaN where none did. None without trades, or without quotes.
    flow
        The order flow (`order_flow`) of all quotes of the group up to each tick, 0 before the first; NaN from a quote without sizes on. None without quotes.
    """

    keys: pl.DataFrame
    starts: Places
    price: Floats
    size: Floats
    codes: Codes
    sides: Codes
    at: Places
    spread: Floats | None = None
    mid: Floats | None = None
    flow: Floats | None = None

    def __post_init__(self) -> None:
        """Read-only: for kernels an array that can be written is another type, for which they would be compiled again."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, one.name, read_only(value))


def trade_ticks(trades: pl.DataFrame, quotes: pl.DataFrame | None = None, *, by_quotes: bool = False) -> Ticks:
    """Trades as arrays, those alone that count for something.

    Parameters
    ----------
    trades
        Of `TRADES_SCHEMA`, or its `TRADE_COLUMNS`, in any order.
    quotes
        Of the same sessions, or more: for the spread, and for sides `by_quotes`, as Lee and Ready have it. A trade is compared with the quote of the newest time before
        its own: one of the same time may be its consequence.
    """
    rows = trades if any(trades[name].all() for name in _COUNTS) else trades.filter(pl.any_horizontal(_COUNTS))
    keys, starts = _runs(rows)
    with ThreadPoolExecutor(1) as other:  # the order is looked at while sides are told: mostly it is right
        ordered = other.submit(_is_in_order, rows, keys, starts)
        price, at, codes, sides = _sided(rows, starts)
    if not ordered.result():
        rows, keys, starts = _sorted(rows)
        price, at, codes, sides = _sided(rows, starts)
    starts = read_only(starts)
    beside: dict[str, Floats] = {}
    if quotes is not None:
        bid, ask, flow = quotes_before(at, starts, keys, quotes)
        beside = {"spread": ask - bid, "mid": (bid + ask) / 2.0, "flow": flow}
        if by_quotes:
            sides = quote_rule.compiled(price, read_only(beside["mid"]), read_only(sides))
    return Ticks(keys=keys, starts=starts, price=price, size=_floats(rows["size"]), codes=codes, sides=sides, at=at, **beside)


def _sided(rows: pl.DataFrame, starts: Places) -> tuple[Floats, Places, Codes, Codes]:
    """Price, time, code and side by the tick rule of each trade."""
    price, at, codes = map(read_only, (_floats(rows["price"]), _nanoseconds(rows), _codes(rows)))
    return price, at, codes, tick_rule.compiled(price, codes, read_only(starts))


def quote_ticks(quotes: pl.DataFrame) -> Ticks:
    """Quotes as arrays: one quote is one tick, its midpoint the price, the sum of both sizes its size, its side that of the midpoint's last change.

    Parameters
    ----------
    quotes
        Of `QUOTES_SCHEMA`, or its `QUOTE_COLUMNS`, in any order.
    """
    rows, keys, starts = in_groups(quotes)
    bid, ask = _floats(rows["bid"]), _floats(rows["ask"])
    sizes = rows.select(pl.col("bid_size") + pl.col("ask_size")).to_series()
    codes = np.where(sizes.is_not_null().to_numpy(), PRICED | TRADED | EXTREME, PRICED | EXTREME).astype(np.int8)
    price, codes, starts = map(read_only, ((bid + ask) / 2.0, codes, starts))
    sides, at = tick_rule.compiled(price, codes, starts), _nanoseconds(rows)
    common = {"keys": keys, "starts": starts, "codes": codes, "sides": sides, "at": at}
    return Ticks(price=price, size=_floats(sizes.fill_null(0.0)), spread=ask - bid, flow=_flow_so_far(rows, starts), **common)


def _flow_so_far(quotes: pl.DataFrame, starts: Places) -> Floats:
    """The order flow of each group's quotes up to each one, the first of which adds nothing."""
    sizes = (quotes[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("bid_size", "ask_size"))
    bid_size, ask_size = sizes
    added = np.zeros(quotes.height)
    if quotes.height > 1:
        added[1:] = order_flow(_floats(quotes["bid"]), bid_size, _floats(quotes["ask"]), ask_size)
    added[starts[:-1][starts[:-1] < quotes.height]] = 0.0
    parts = (np.cumsum(added[begin:end]) for begin, end in pairwise(starts))
    return np.concatenate([*parts, np.empty(0)])


def in_groups(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, Places]:
    """The rows in order of session, symbol, at and sequence, a row for each session and symbol, and where each begins, of shape (n_groups + 1,)."""
    keys, starts = _runs(rows)
    return (rows, keys, starts) if _is_in_order(rows, keys, starts) else _sorted(rows)


def _is_in_order(rows: pl.DataFrame, keys: pl.DataFrame, starts: Places) -> bool:
    at, sequence = read_only(_nanoseconds(rows)), read_only(rows["sequence"].to_numpy())
    ascending = keys.height < 2 or keys.equals(keys.unique().sort("session", "symbol"))
    return bool(ascending and in_order.compiled(at, sequence, read_only(starts)))


def _sorted(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, Places]:
    ordered = rows.sort("session", "symbol", "at", "sequence")
    return ordered, *_runs(ordered)


def quotes_before(at: Places, starts: Places, keys: pl.DataFrame, quotes: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Bid and ask of the newest quote before each time, of the same session and symbol, and the order flow up to it; NaN where there is none. Each of the shape of `at`.

    Parameters
    ----------
    at, starts, keys
        As of `Ticks`.
    """
    rows, named, begins = in_groups(quotes)
    place = pl.DataFrame({"session": named["session"], "symbol": named["symbol"], "group": np.arange(named.height)})
    found = keys.join(place, on=["session", "symbol"], how="left", maintain_order="left")["group"].fill_null(-1).to_numpy()
    at_quotes = read_only(_nanoseconds(rows))
    which = last_before.compiled(*map(read_only, (at, starts, at_quotes, begins, found.astype(np.int64))))
    bid, ask = (np.append(_floats(rows[side]), np.nan)[which] for side in ("bid", "ask"))
    before_the_first = np.where(np.repeat(found >= 0, np.diff(starts)), 0.0, np.nan)
    return bid, ask, np.where(which >= 0, np.append(_flow_so_far(rows, begins), np.nan)[which], before_the_first)


@kernel
def in_order(at: Places, sequence: Places, starts: Places) -> bool:
    """Whether the ticks of each group are in order of time, and of sequence where it is the same."""
    for group in range(len(starts) - 1):
        for i in range(starts[group] + 1, starts[group + 1]):
            if at[i] < at[i - 1] or (at[i] == at[i - 1] and sequence[i] < sequence[i - 1]):
                return False
    return True


@kernel
def last_before(at: Places, starts: Places, others: Places, begins: Places, which: Places) -> Places:
    """Of the others the last one before each time, -1 where there is none; `which` is the group of the others that belongs to each group, -1 where none does."""
    found = np.full(len(at), -1, np.int64)
    for group in range(len(starts) - 1):
        if which[group] >= 0:
            k, end = begins[which[group]], begins[which[group] + 1]
            first = k
            for i in range(starts[group], starts[group + 1]):
                while k < end and others[k] < at[i]:
                    k += 1
                if k > first:
                    found[i] = k - 1
    return found


def read_only(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers, one after the other in memory, as an array that can't be written."""
    held = np.ascontiguousarray(values).view()
    held.flags.writeable = False
    return held


def _nanoseconds(rows: pl.DataFrame) -> Places:
    return rows["at"].cast(NANOSECONDS).to_physical().to_numpy()


def _codes(trades: pl.DataFrame) -> Codes:
    codes = np.zeros(trades.height, np.int8)
    for name, bit in (("for_price", PRICED), ("for_volume", TRADED), ("for_high_low", EXTREME)):
        codes |= np.int8(bit) if trades[name].all() else trades[name].to_numpy().astype(np.int8) * np.int8(bit)
    return codes


def _floats(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).to_numpy()


def _runs(rows: pl.DataFrame) -> tuple[pl.DataFrame, Places]:
    """The sessions and symbols of rows that follow each other, and where each begins."""
    keys = rows.select("session", "symbol")
    if rows.is_empty():
        return keys, np.zeros(1, np.int64)
    session, symbol = keys["session"], keys["symbol"]
    if (
        not symbol.null_count() + session.null_count() and (symbol == symbol[0]).all() and (session == session[0]).all()
    ):  # half the time of looking for changes
        return keys[:1], np.array([0, rows.height], np.int64)
    changes = (symbol[1:] != symbol[:-1]) | (session[1:] != session[:-1])
    begins = np.append(0, changes.arg_true().to_numpy().astype(np.int64) + 1)
    return keys[begins], np.append(begins, rows.height)


def ticks_of_session(rows: pl.DataFrame, session: date) -> pl.DataFrame:
    """The rows of one session; without a copy where there are no others."""
    days = rows["session"]
    return rows if days.len() and days.min() == session == days.max() and not days.null_count() else rows.filter(session=session)
