"""Bars and signals as dense arrays, for an engine that goes through them session by session.

Columns are instruments, not tickers: a change of name moves nothing and trades nothing, and a ticker that another takes over is another column.

Prices are as traded. What was worth `last_close[i - 1]` at a close is worth `ratio[i] * marks(i) + paid[i]` at the next open, payments included. Strategy and
benchmark are both valued like that, so that a split or a payment is the same to either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.bars import CORPORATE_ACTIONS_SCHEMA, INSTRUMENT, Identities, identities_of
from ats_assets.errors import ContractError
from ats_assets.portfolio import counted_payment, price_after, session_actions
from ats_assets.portfolio.limits import Floats


@dataclass(frozen=True, kw_only=True)
class Market:
    """Prices of shape (n_sessions, n_instruments), NaN where there is no bar, and the signals of each session. The columns are sorted by the instruments' ids."""

    sessions: list[date]
    instruments: list[str]
    symbols: list[str]
    """What each is called at the last session."""
    column: dict[str, int]
    """Of who bears a symbol at the last session; an instrument that has ended bears none."""
    tickers: list[NDArray[np.object_]]
    """By session: what each is called then, of shape (n_instruments,)."""
    ended: list[NDArray[np.intp]]
    """By session: the columns whose ticker another takes over at its open, while they are given none."""
    open: Floats
    last_close: Floats
    """The close, or where there is no bar the last one before it, as a price of a share of the session (`price_after`); NaN before the first bar."""
    traded: NDArray[np.bool_]
    """Whether the bar has volume: without any, nobody could trade at its open."""
    ratio: Floats
    """New shares for an old one at the session's open; 1 where nothing happens."""
    paid: Floats
    """Cash for an old share at the session's open."""
    targets: list[tuple[NDArray[np.intp], NDArray[np.float64]] | None]
    """By session: the columns of the symbols that have a signal, and their target weights; None without signals."""

    def marks(self, i: int) -> Floats:
        """What a share is worth at the open of session `i`: its price, or where there is no bar the last close, after the session's actions."""
        before = self.last_close[i - 1] if i else np.full(len(self.instruments), np.nan)
        return np.where(np.isnan(self.open[i]), price_after(before, self.ratio[i], self.paid[i]), self.open[i])


def read_market(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: Sequence[date],
    actions: pl.DataFrame | None = None,
    instruments: Identities | None = None,
) -> Market:
    """Lay out the bars and signals of `sessions` (consecutive sessions of the calendar, from the first one with signals on).

    Parameters
    ----------
    instruments
        Default: as the changes of name among the actions tell.

    Raises
    ------
    ContractError
        If a signal lies outside the sessions or has no finite weight, or a bar has no positive price, or one (session, symbol) has two rows.
    """
    days = pl.Series("session", sorted(sessions), dtype=pl.Date)
    _refuse(signals.filter(~pl.col("session").is_in(days.implode())), "signals", "lies outside the sessions of the backtest: widen them")
    _refuse(signals.filter(~pl.col("target_weight").is_finite().fill_null(value=False)), "signals", "has no finite target_weight")
    if len(signals):
        days = days.filter(days >= signals["session"].min())
    bars = bars.filter(pl.col("session").is_in(days.implode()))
    for column in ("open", "close"):
        valid = (pl.col(column).is_finite() & (pl.col(column) > 0)).fill_null(value=False)
        _refuse(bars.filter(~valid), "bars", f"has no positive {column}: only rows that satisfy the contract of bars can be traded")
    actions = CORPORATE_ACTIONS_SCHEMA.to_frame() if actions is None else actions
    known = identities_of(actions) if instruments is None else instruments
    bars, signals = known.named(bars), known.named(signals)
    names = pl.concat([bars[INSTRUMENT], signals[INSTRUMENT]]).unique().sort()
    shape = (len(days), len(names))
    where = _places(bars, "bars", days, names)
    matrices = {column: np.full(shape, np.nan) for column in ("open", "close", "volume")}
    for column, matrix in matrices.items():
        matrix[where] = bars[column].to_numpy()
    ratio, paid = _actions(known.of_actions(actions), days, names)
    last_close = _carried_forward(matrices["close"], ratio, paid)
    paid[1:] = counted_payment(last_close[:-1], paid[1:])
    tickers = _tickers(known, days.to_list(), names.to_list())
    return Market(
        sessions=days.to_list(),
        instruments=names.to_list(),
        symbols=tickers[-1].tolist() if tickers else [],
        column={known.symbol(one, days[-1]): i for i, one in enumerate(names) if known.of(known.symbol(one, days[-1]), days[-1]) == one}
        if tickers
        else {},
        tickers=tickers,
        ended=[np.flatnonzero(names.is_in(known.ended(day)).to_numpy()) for day in days],
        open=matrices["open"],
        last_close=last_close,
        traded=matrices["volume"] > 0,
        ratio=ratio,
        paid=paid,
        targets=_by_session(signals, days, names),
    )


def _tickers(known: Identities, days: Sequence[date], instruments: Sequence[str]) -> list[NDArray[np.object_]]:
    """What each instrument is called at each session; sessions between two changes share one array."""
    tickers: list[NDArray[np.object_]] = []
    for day in days:
        same = tickers and not known.renamed(day)
        tickers.append(tickers[-1] if same else np.array([known.symbol(one, day) for one in instruments], dtype=object))
    return tickers


def _actions(actions: pl.DataFrame, days: pl.Series, names: pl.Series) -> tuple[Floats, Floats]:
    ratio, paid = np.ones((len(days), len(names))), np.zeros((len(days), len(names)))
    for (day,), rows in actions.filter(pl.col("session").is_in(days.implode())).partition_by("session", as_dict=True).items():
        i = days.search_sorted(day)
        ratio[i], paid[i] = session_actions(rows, names.to_list(), INSTRUMENT)
    return ratio, paid


def _carried_forward(close: Floats, ratio: Floats, paid: Floats) -> Floats:
    """The closes, each missing one taken from the session before, after the actions of its own."""
    carried = close.copy()
    for i in range(1, len(close)):
        carried[i] = np.where(np.isnan(close[i]), price_after(carried[i - 1], ratio[i], paid[i]), close[i])
    return carried


def _places(frame: pl.DataFrame, name: str, days: pl.Series, names: pl.Series) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of each (session, instrument)."""
    row = days.search_sorted(frame["session"]).to_numpy().astype(np.intp)
    column = frame[INSTRUMENT].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.intp)
    cells = np.bincount(row * len(names) + column)
    _refuse(frame.filter(cells[row * len(names) + column] > 1), name, "comes twice")
    return row, column


def _by_session(signals: pl.DataFrame, days: pl.Series, names: pl.Series) -> list[tuple[NDArray[np.intp], NDArray[np.float64]] | None]:
    row, column = _places(signals, "signals", days, names)
    order = np.lexsort((column, row))
    column, weights = column[order], signals["target_weight"].to_numpy()[order]
    bounds = np.searchsorted(row[order], np.arange(len(days) + 1))
    return [(column[a:b], weights[a:b]) if b > a else None for a, b in pairwise(bounds)]


def _refuse(bad: pl.DataFrame, name: str, why: str) -> None:
    if len(bad):
        row = bad.row(0, named=True)
        raise ContractError(f"{name}: {len(bad)} row(s), such as {row['symbol']} in session {row['session']}: {why}")
