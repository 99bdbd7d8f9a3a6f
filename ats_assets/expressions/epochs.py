"""Corporate actions in the rows of a panel: the window of each session is scaled by what was known at that session.

The price of a row s, seen from session D, is its price as traded times the factors of all actions of its symbol with an ex-session in (s, D]; its volume
likewise. So the same row has several values, one for each stretch of sessions D in which nothing happens: an *epoch* lasts from one action of the symbol to
the next.

1. An epoch that begins with an action at session E becomes a series of its own: the rows of the window before E, scaled, then the rows from E on as they were
   traded. The rows before E are looked back on only; each row is the epoch's *own* exactly once.
2. The factors of a row are multiplied in one order, the newest action first, in float64, before the value is rounded to float32. So a result has the bits
   that the panel, scaled as of its session, has alone, whatever else is computed beside it; a symbol without actions keeps its rows as they are.
3. Where an expression names another symbol (`Mask`), that symbol's actions end the epochs of all symbols, so that both series are seen from one session.
4. What is taken across symbols (`CSRank` and the like) is a fact of its session: it is made of each symbol's own row, once, and no later action changes it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.expressions.grid import Grid, series_key

SCALED_BY: Final = {**dict.fromkeys(("open", "high", "low", "close", "vwap"), "price"), "volume": "volume"}
"""Field -> the factor that it is multiplied by; other fields are what they are."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Actions:
    """By symbol, then session: the symbol's number, the place of the first session that is not scaled, and the factors."""

    symbol: Integers
    position: Integers
    factors: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Epochs:
    """By symbol, then session: the symbol's number, the places of the first session and of that after the last, and the rows of the grid."""

    symbol: Integers
    begin: Integers
    end: Integers
    first: Integers
    last: Integers


def with_epochs(
    grid: Grid,
    panel: pl.DataFrame,
    fields: Sequence[str],
    adjustments: pl.DataFrame,
    sessions: Sequence[date] | None,
    *,
    lookback: int,
    named: Collection[str],
    staged: bool,
) -> Grid:
    """The rows of a grid as series of epochs; the same grid where no action falls inside it.

    Parameters
    ----------
    panel
        The rows that the grid was made of.
    fields
        The names of the grid's fields, in order.
    adjustments
        The panel's key of a series (symbol, or instrument), session, and the factors `price` and `volume` (Float64) by which the rows before that session are
        multiplied; one row a key.
    sessions
        The calendar; default: the sessions of the panel.
    lookback
        Sessions before the current one that are needed in all.
    named
        The series that the expressions name.
    staged
        Whether own rows before the wanted ones are needed, too.
    """
    symbols = panel[series_key(panel)].unique().sort()
    calendar = np.unique(np.array(sessions if sessions is not None else panel["session"].unique().to_list(), "datetime64[D]"))
    actions = _placed(adjustments, symbols, calendar, int(grid.positions.max(initial=0)))
    if not len(actions.symbol):
        return grid
    names = symbols.to_list()
    numbers = np.array([names.index(name) for name in named if name in names], np.int64)
    since = 0 if staged else grid.since
    epochs = _epochs(grid, actions, numbers, lookback=lookback, since=since, n=len(calendar))
    lengths = epochs.last - epochs.first
    series = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    base = np.arange(starts[-1]) - starts[series] + epochs.first[series]
    positions = grid.positions[base]
    own = positions >= epochs.begin[series]
    values = np.ascontiguousarray(grid.fields[:, base])
    back = np.flatnonzero(~own)
    factors = _factors(actions, epochs.symbol[series[back]], positions[back].astype(np.int64), epochs.begin[series[back]])
    source = base[back] if grid.order is None else grid.order[base[back]]
    for i, name in enumerate(fields):
        if name in SCALED_BY and name in panel.columns:
            traded = panel[name].gather(source).cast(pl.Float64).fill_null(float("nan")).to_numpy()
            with np.errstate(over="ignore"):
                values[i, back] = traded * factors[SCALED_BY[name]]
    return replace(
        grid,
        fields=values,
        positions=positions,
        symbol_rows=starts,
        dest=np.where(own, grid.dest[base], -1),
        base=base,
        own=own,
        series_symbol=epochs.symbol,
        series_begin=epochs.begin,
    )


def side_by_side(grid: Grid) -> Grid:
    """The same series, each moved in time so that its first wanted row is at `since`.

    Values depend on where rows lie relative to each other alone; and blocks of series that begin together hold few rows that nobody wants.
    """
    at = np.where(grid.dest >= 0, grid.positions, np.iinfo(np.int32).max)
    origin = np.minimum.reduceat(at, grid.symbol_rows[:-1])
    moved = np.where(origin < np.iinfo(np.int32).max, origin - grid.since, 0)
    return replace(grid, positions=(grid.positions - np.repeat(moved, np.diff(grid.symbol_rows))).astype(np.int32))


def _placed(adjustments: pl.DataFrame, symbols: pl.Series, calendar: NDArray[np.datetime64], last: int) -> _Actions:
    """The actions that fall inside the grid: at or before its first session there is nothing to scale, after its last one nothing is known of them."""
    key = symbols.name
    inside = adjustments.filter(pl.col(key).is_in(symbols.implode())).sort(key, "session")
    position = np.searchsorted(calendar, inside["session"].to_numpy().astype("datetime64[D]")).astype(np.int64)
    symbol = symbols.search_sorted(inside[key]).to_numpy().astype(np.int64)
    kept = (position > 0) & (position <= last)
    factors = {name: inside[name].to_numpy()[kept] for name in ("price", "volume")}
    return _Actions(symbol=symbol[kept], position=position[kept], factors=factors)


def _epochs(grid: Grid, actions: _Actions, named: Integers, *, lookback: int, since: int, n: int) -> _Epochs:
    """Every epoch that has own rows from `since` on, and those of the named symbols that have any row."""
    n_symbols = len(grid.symbol_rows) - 1
    shared = actions.position[np.isin(actions.symbol, named)]
    keys = np.unique(
        np.concatenate(
            [
                np.arange(n_symbols) * (n + 1),
                actions.symbol * (n + 1) + actions.position,
                (np.arange(n_symbols)[:, None] * (n + 1) + shared).ravel(),
            ]
        )
    )
    symbol, begin = np.divmod(keys, n + 1)
    end = np.append(begin[1:], 0)
    end[np.append(symbol[1:] != symbol[:-1], True)] = n
    rows = np.repeat(np.arange(n_symbols), np.diff(grid.symbol_rows)) * (n + 1) + grid.positions
    oldest = np.where(begin > 0, np.maximum(np.maximum(begin, since) - lookback, 0), 0)
    first = np.searchsorted(rows, symbol * (n + 1) + oldest)
    last = np.searchsorted(rows, symbol * (n + 1) + end)
    first_own = np.searchsorted(rows, symbol * (n + 1) + np.maximum(begin, since))
    kept = (last > first_own) | (np.isin(symbol, named) & (last > first))
    return _Epochs(symbol=symbol[kept], begin=begin[kept], end=end[kept], first=first[kept], last=last[kept])


def _factors(actions: _Actions, symbol: Integers, position: Integers, begin: Integers) -> dict[str, NDArray[np.float64]]:
    """The factors of rows of `symbol` at `position`, seen from the epoch that starts at `begin`: of the actions in (position, begin]."""
    n = int(max(position.max(initial=0), actions.position.max(initial=0), begin.max(initial=0))) + 1
    keys = actions.symbol * n + actions.position
    known = np.searchsorted(keys, symbol * n + begin, side="right")
    before = np.searchsorted(keys, symbol * n + position, side="right")
    product = {kind: np.ones(len(symbol)) for kind in actions.factors}
    for back in range(int((known - before).max(initial=0))):
        at = known - 1 - back  # the newest first
        for kind, factors in actions.factors.items():
            product[kind] *= np.where(at >= before, factors[np.maximum(at, 0)], 1.0)
    return product
