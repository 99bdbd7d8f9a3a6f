"""The frame of bars: what the ticks between two ends come to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from ats_assets.intraday.bar_ends import PRICED, TRADED, BarEnds, Floats, Places
from ats_assets.intraday.bar_statistics import BarSums, bar_sums, means_of_bars
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA, NANOSECONDS
from ats_assets.intraday.tick_arrays import Ticks, read_only
from ats_assets.intraday.trade_sides import bulk_shares

MANY = 200_000
"""Ticks from which on a second thread is worth its start."""
BULK_BARS, FEWEST_BULK_BARS = 50, 5
"""Bars on which bulk classification measures how far prices move, at most and at least."""


def information_bars(ticks: Ticks, ends: BarEnds, *, bulk: bool = False, clock: tuple[int, int] | None = None) -> pl.DataFrame:
    """The bars between ends.

    Parameters
    ----------
    bulk
        Whether volume is divided into bought and sold by bulk classification, instead of by the sides of ticks.
    clock
        Width and offset of bars of the clock, in nanoseconds: these are opened and known when their intervals begin and end.

    Returns
    -------
    polars.DataFrame
        Of `INFORMATION_BARS_SCHEMA`, sorted by symbol, session, bar.
    """
    begins, stops, groups = map(read_only, (ends.begins, ends.ends, ends.groups))
    sums = sums_of_halves(ticks, begins, stops, groups)
    bought, sold = sums.bought, sums.sold
    if bulk:
        shares = bulk_shares.compiled(read_only(sums.open), read_only(sums.close), groups, BULK_BARS, FEWEST_BULK_BARS)
        bought, sold = shares * sums.volume, (1.0 - shares) * sums.volume
    first, last = ticks.at[begins], ticks.at[stops - 1]
    opened, known = (first, last) if clock is None else _interval(first, *clock)
    firsts = np.searchsorted(groups, groups, side="left")
    columns: dict[str, Any] = {
        "symbol": ticks.keys["symbol"].gather(groups),
        "session": ticks.keys["session"].gather(groups),
        "bar": np.arange(len(stops)) - firsts,
        "opened_at": opened,
        "known_at": known,
        **{name: getattr(sums, name) for name in ("open", "high", "low", "close", "volume")},
        "vwap": np.divide(sums.dollars, sums.volume, out=np.full(len(stops), np.nan), where=sums.volume > 0.0),
        "buy_volume": bought,
        "sell_volume": sold,
        "ticks": stops - begins,
        "dollar_volume": sums.dollars,
        "spread": _spreads(ticks, ends),
        **_taken(ticks, begins, stops),
        "order_flow": _flows(ticks, stops, firsts),
        "duration_seconds": (last - first) / 1e9,
        "threshold": ends.thresholds,
        "closed_by": pl.Series(ends.reached).replace_strict({True: "threshold", False: "session_end"}, return_dtype=pl.String),
    }
    rows = pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in INFORMATION_BARS_SCHEMA.items()})
    rows = rows.with_columns(
        pl.col("vwap", "buy_volume", "sell_volume", "spread", "effective_spread", "realised_spread", "order_flow").fill_nan(None)
    )
    if not (sums.volume > 0.0).all() and not (sized := _any_sizes(ticks)).all():
        without = pl.Series(~sized[groups])
        names = ("volume", "buy_volume", "sell_volume", "dollar_volume")
        rows = rows.with_columns(pl.when(~without).then(pl.col(name)).alias(name) for name in names)
    return rows.sort("symbol", "session", "bar")


def sums_of_halves(ticks: Ticks, begins: Places, stops: Places, groups: Places) -> BarSums:
    """`bar_sums` by two threads, half of the bars each, where there are many ticks: a bar is made of its own ticks alone, unless it begins without a price."""

    def of(first: int, last: int) -> BarSums:
        arrays = (read_only(one[first:last]) for one in (begins, stops, groups))
        return bar_sums.compiled(ticks.price, ticks.size, ticks.codes, ticks.sides, *arrays)

    middle = len(stops) // 2
    while middle and not ticks.codes[begins[middle]] & PRICED:
        middle -= 1
    if not middle or len(ticks.price) < MANY:
        return of(0, len(stops))
    with ThreadPoolExecutor(1) as beside:
        later = beside.submit(of, middle, len(stops))
        earlier = of(0, middle)
    return BarSums(*(np.concatenate(parts) for parts in zip(earlier, later.result(), strict=True)))


def _interval(first: np.ndarray, width: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    begins = first - (first - offset) % width
    return begins, begins + width


def _spreads(ticks: Ticks, ends: BarEnds) -> Floats:
    if ticks.spread is None:
        return np.full(len(ends.ends), np.nan)
    return means_of_bars.compiled(ticks.spread, read_only(ends.begins), read_only(ends.ends))


def _taken(ticks: Ticks, begins: Places, stops: Places) -> dict[str, Floats]:
    """Effective and realised spread: the means over the trades of each bar whose side and midpoint are known and whose price counts (`spread_estimators`).

    The later midpoint of the realised one is that at the bar's last trade: a bar knows nothing of what comes after it.
    """
    if ticks.mid is None:
        return dict.fromkeys(("effective_spread", "realised_spread"), np.full(len(stops), np.nan))
    mid = ticks.mid
    twice = np.where((ticks.sides != 0) & (ticks.codes & PRICED > 0), 2.0 * ticks.sides, np.nan) / mid
    effective, of_prices, of_mids = (
        means_of_bars.compiled(read_only(values), begins, stops) for values in (twice * (ticks.price - mid), twice * ticks.price, twice)
    )
    return {"effective_spread": effective, "realised_spread": of_prices - mid[stops - 1] * of_mids}


def _flows(ticks: Ticks, stops: Places, firsts: Places) -> Floats:
    """The order flow of the quotes between the last tick of the bar before, or the session's beginning, and the bar's own last one."""
    if ticks.flow is None:
        return np.full(len(stops), np.nan)
    so_far = ticks.flow[stops - 1]
    before = np.append(0.0, so_far[:-1])
    return so_far - np.where(firsts == np.arange(len(stops)), 0.0, before)


def _any_sizes(ticks: Ticks) -> np.ndarray:
    """Whether any tick of each group has a size that counts: a source without sizes has no volume, which is not a volume of zero."""
    if not ticks.keys.height:
        return np.ones(0, np.bool_)
    return np.bitwise_or.reduceat(ticks.codes, ticks.starts[:-1]) & TRADED > 0


def known_with_session(rows: pl.DataFrame, ends_at: Callable[[str, date], datetime]) -> pl.DataFrame:
    """Bars, of which those that the session's end has closed are known from then on: at their last tick nobody knew that it was the last.

    Parameters
    ----------
    rows
        Of `INFORMATION_BARS_SCHEMA`.
    ends_at
        When a session of a symbol ends; a last tick that is later counts instead.
    """
    closed = rows.filter(closed_by="session_end").select("symbol", "session").unique()
    ends = closed.with_columns(
        ends_at=pl.Series([ends_at(*key) for key in closed.iter_rows()], dtype=pl.Datetime("us", "UTC")).cast(NANOSECONDS)
    )
    found = rows.join(ends, on=["symbol", "session"], how="left", maintain_order="left")
    later = pl.max_horizontal("known_at", "ends_at")
    return found.with_columns(known_at=pl.when(closed_by="session_end").then(later).otherwise("known_at")).drop("ends_at")
