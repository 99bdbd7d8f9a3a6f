"""Bars and targets as dense arrays, for an engine that goes through them session by session.

Columns are instruments, not tickers: a change of name moves nothing and trades nothing, and a ticker that another takes over is another column.

Prices are as traded. What was worth `last_close[i - 1]` at a close is worth `ratio[i] * marks(i) + paid[i]` at the next open, payments included. Strategy and
benchmark are both valued like that, so that a split or a payment is the same to either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.backtests.simulation import Prices
from ats_assets.corporate_actions.identity import INSTRUMENT, Identities, identities_of
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.errors import ContractError, how_many
from ats_assets.impact import ImpactTerms
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio import borrow_rates, counted_payment, price_after, session_actions
from ats_assets.portfolio.allowed_changes import change_codes
from ats_assets.settings import MarginSettings


@dataclass(frozen=True, kw_only=True)
class Market:
    """Prices of shape (n_sessions, n_instruments), NaN where there is no bar, and the targets of each session. The columns are sorted by the instruments' ids."""

    sessions: list[date]
    instruments: list[str]
    symbols: list[str]
    """What each is called at the last session."""
    column: dict[str, int]
    """Of who bears a symbol at the last session; an instrument that has ended bears none."""
    tickers: list[NDArray[np.object_]]
    """By session: what each is called then, of shape (n_instruments,)."""
    naming: NDArray[np.int64]
    """By session: how many sessions before it, or it itself, have brought other tickers than the one before; those of one number share one array of tickers."""
    ended: list[NDArray[np.intp]]
    """By session: the columns whose ticker another takes over at its open, while they are given none."""
    open: Floats
    last_close: Floats
    """The close, or where there is no bar the last one before it, as a price of a share of the session (`price_after`); NaN before the first bar."""
    traded: NDArray[np.bool_]
    """Whether the bar has volume: without any, nobody could trade at its open."""
    volume: Floats
    """In shares."""
    high: Floats | None
    low: Floats | None
    """The bars' ranges; None where they were not asked for."""
    ratio: Floats
    """New shares for an old one at the session's open; 1 where nothing happens."""
    paid: Floats
    """Cash for an old share at the session's open."""
    target_columns: NDArray[np.intp]
    target_weights: Floats
    target_changes: NDArray[np.int64]
    """What is allowed of each position (`ats_assets.portfolio.allowed_changes`)."""
    target_bounds: NDArray[np.int64]
    """Of shape (n_sessions + 1,): where the targets of a session begin, by their columns, and end; none are no opinion."""

    def prices(self, margin: MarginSettings, terms: ImpactTerms) -> Prices:
        """The market as kernels have it, with what trades in it cost (`market_terms`)."""
        return Prices(
            open=self.open,
            last_close=self.last_close,
            traded=self.traded,
            ratio=self.ratio,
            paid=self.paid,
            acts=((self.ratio != 1.0) | (self.paid != 0.0)).any(axis=1),
            days=np.diff(np.array(self.sessions, dtype="datetime64[D]").astype(np.int64), prepend=0),
            borrow_rates=np.array([borrow_rates(self.tickers[i], margin) for i in np.unique(self.naming, return_index=True)[1]]),
            naming=self.naming,
            ended=np.concatenate(self.ended),
            ended_bounds=np.cumsum([0, *map(len, self.ended)]),
            target_columns=self.target_columns,
            target_weights=self.target_weights,
            target_changes=self.target_changes,
            target_bounds=self.target_bounds,
            terms=terms,
        )


def read_market(
    targets: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: Sequence[date],
    actions: pl.DataFrame | None = None,
    instruments: Identities | None = None,
    *,
    ranges: bool = False,
) -> Market:
    """Lay out the bars and targets of `sessions` (consecutive sessions of the calendar, from the first one with targets on).

    Parameters
    ----------
    instruments
        Default: as the changes of name among the actions tell.
    ranges
        Whether bars have high and low, for orders that wait for their limit.

    Raises
    ------
    ContractError
        If a target lies outside the sessions or has no finite weight, or a bar has no positive price, or one (session, symbol) has two rows.
    """
    days = pl.Series("session", sorted(sessions), dtype=pl.Date)
    _refuse(targets, _rows(targets, days) < 0, "targets", "lies outside the sessions of the backtest: widen them")
    _refuse(targets, ~np.isfinite(targets["target_weight"].to_numpy()), "targets", "has no finite target_weight")
    if len(targets):
        days = days.filter(days >= targets["session"].min())
    within = _rows(bars, days) >= 0
    bars = bars if within.all() else bars.filter(pl.Series(within))
    for column in ("open", "close"):
        prices = bars[column].to_numpy()
        why = f"has no positive {column}: only rows that satisfy the contract of bars can be traded"
        _refuse(bars, ~(np.isfinite(prices) & (prices > 0.0)), "bars", why)
    actions = CORPORATE_ACTIONS_SCHEMA.to_frame() if actions is None else actions
    known = identities_of(actions) if instruments is None else instruments
    (of_bars, of_targets), names = _columns([bars, targets], known)
    shape = (len(days), len(names))
    where = _cells(bars, "bars", days, of_bars, len(names))
    columns = ("open", "close", "volume", *(("high", "low") if ranges else ()))
    if absent := [column for column in columns if column not in bars.columns]:
        raise ContractError(
            f"bars have no {absent[0]}, which limit orders within a session are filled by: give it, or set orders.kind = 'market_on_open'"
        )
    matrices = {column: np.full(shape, np.nan) for column in columns}
    for column, matrix in matrices.items():
        matrix.reshape(-1)[where] = bars[column].to_numpy()
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
        naming=np.cumsum([bool(i and tickers[i] is not tickers[i - 1]) for i in range(len(tickers))], dtype=np.int64),
        ended=[_ended(known.ended(day), names) for day in days],
        open=matrices["open"],
        last_close=last_close,
        traded=matrices["volume"] > 0,
        volume=matrices["volume"],
        high=matrices.get("high"),
        low=matrices.get("low"),
        ratio=ratio,
        paid=paid,
        **_by_session(targets, days, of_targets, len(names)),
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
    absent = np.isnan(close)
    for i in np.flatnonzero(absent.any(axis=1)):
        if i:
            at = np.flatnonzero(absent[i])
            carried[i, at] = price_after(carried[i - 1, at], ratio[i, at], paid[i, at])
    return carried


def _ended(instruments: Sequence[str], names: pl.Series) -> NDArray[np.intp]:
    return np.flatnonzero(names.is_in(instruments).to_numpy()) if instruments else np.zeros(0, dtype=np.intp)


def _rows(frame: pl.DataFrame, days: pl.Series) -> NDArray[np.intp]:
    """The place of each row's session among the days; -1 where it is none of them."""
    numbers, sessions = days.to_physical().to_numpy(), frame["session"].to_physical().to_numpy()
    if not len(numbers) or not len(sessions):
        return np.full(len(sessions), -1, dtype=np.intp)
    first = min(int(numbers[0]), int(sessions.min()))
    place = np.full(max(int(numbers[-1]), int(sessions.max())) - first + 1, -1, dtype=np.intp)
    place[numbers - first] = np.arange(len(numbers))
    return place[sessions - first]


def _columns(frames: Sequence[pl.DataFrame], known: Identities) -> tuple[list[NDArray[np.intp]], pl.Series]:
    """The column of each frame's rows, and the instruments by column, sorted by their ids.

    Most tickers are of one instrument at all sessions, so that it is looked for once; only the rows of the others are looked at one by one.
    """
    symbols = pl.concat([frame["symbol"].unique() for frame in frames]).unique().sort()
    kind, changing = pl.Enum(symbols), symbols.is_in(known.tickers()).to_numpy()
    codes = [frame["symbol"].cast(kind).to_physical().to_numpy() for frame in frames]
    alone = known.named(pl.DataFrame({"symbol": symbols, "session": pl.Series([date.min], dtype=pl.Date).new_from_index(0, len(symbols))}))[
        INSTRUMENT
    ]
    moved = [known.named(frame.filter(pl.Series(changing[code])))[INSTRUMENT] for frame, code in zip(frames, codes, strict=True)]
    names = pl.concat([alone.filter(pl.Series(~changing)), *moved]).unique().sort()
    ids = pl.Enum(names)
    of_symbols = np.full(len(symbols), -1, dtype=np.intp)
    of_symbols[~changing] = alone.filter(pl.Series(~changing)).cast(ids).to_physical().to_numpy()
    columns = [of_symbols[code] for code in codes]
    for column, code, some in zip(columns, codes, moved, strict=True):
        column[changing[code]] = some.cast(ids).to_physical().to_numpy()
    return columns, names


def _cells(frame: pl.DataFrame, name: str, days: pl.Series, columns: NDArray[np.intp], width: int) -> NDArray[np.intp]:
    """The place of each (session, instrument) in a matrix, row after row; each has one row of the frame."""
    cells = _rows(frame, days) * width + columns
    rows = np.bincount(cells)
    if len(rows) and rows.max() > 1:
        _refuse(frame, rows[cells] > 1, name, "comes twice")
    return cells


def _by_session(targets: pl.DataFrame, days: pl.Series, columns: NDArray[np.intp], width: int) -> dict[str, NDArray[Any]]:
    cells = _cells(targets, "targets", days, columns, width)
    row_of = np.full(len(days) * width, -1, dtype=np.intp)
    row_of[cells] = np.arange(len(cells))
    there = row_of >= 0
    order = row_of[there]
    per_session = there.reshape(len(days), width).sum(axis=1, dtype=np.int64)
    wanted = {"target_weights": targets["target_weight"].to_numpy()[order], "target_changes": change_codes(targets)[order]}
    return {"target_columns": columns[order], **wanted, "target_bounds": np.append(0, np.cumsum(per_session))}


def _refuse(frame: pl.DataFrame, which: NDArray[np.bool_], name: str, why: str) -> None:
    if which.any():
        row = frame.row(int(np.flatnonzero(which)[0]), named=True)
        raise ContractError(f"{name}: {how_many(int(which.sum()), 'row')}, such as {row['symbol']} in session {row['session']}: {why}")
