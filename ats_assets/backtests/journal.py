"""What happened in a backtest: ledgers that kernels write, and the frames that are made of them at the end."""

from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.backtests.engine import BacktestResult, LaterResult
from ats_assets.backtests.ledgers import Ledgers, PositionLedger, SessionLedger
from ats_assets.backtests.market import Market
from ats_assets.backtests.schema import EQUITY_SCHEMA, POSITIONS_SCHEMA, TRADES_SCHEMA, UNFILLED_SCHEMA
from ats_assets.backtests.simulation import UNFILLED
from ats_assets.portfolio.account import TradeLedger, empty_ledger
from ats_assets.portfolio.opening import UnfilledLedger

Ints = NDArray[np.int64]

ROOM = 16_384
"""Rows that a ledger has at first, at least."""


def new_ledgers(n_sessions: int, n_instruments: int) -> Ledgers:
    """Empty ones, with room for some sessions."""
    n = ROOM + 8 * n_instruments
    return Ledgers(
        sessions=empty_ledger(SessionLedger, n_sessions, floats=("gross",), flags=("called",)),
        trades=TradeLedger.with_room(n),
        positions=empty_ledger(PositionLedger, n, floats=("shares", "price", "weight")),
        unfilled=UnfilledLedger.with_room(n),
        unfilled_session=np.zeros(n, dtype=np.int64),
        unfilled_current=np.zeros(n),
        unfilled_target=np.zeros(n),
    )


class Journal:
    """The frames of one backtest. Money comes in as whole cents and leaves as currency."""

    def __init__(self, market: Market, ledgers: Ledgers, exits: Collection[int] = ()) -> None:
        self._market, self._ledgers, self._n, self._exits = market, ledgers, len(market.instruments), list(exits)
        self._days = np.array(market.sessions, dtype="datetime64[D]")
        self._instruments = pl.Series(market.instruments, dtype=pl.String)
        tickers = [market.tickers[i] for i in np.unique(market.naming, return_index=True)[1]]
        self._tickers = pl.Series([name for named in tickers for name in named], dtype=pl.String)
        self._ranks = (
            np.concatenate([np.unique(named, return_inverse=True)[1] for named in tickers]) if tickers else np.zeros(0, dtype=np.int64)
        )

    def equity_frame(self, benchmark: NDArray[np.float64]) -> pl.DataFrame:
        """The equity contract."""
        rows = self._ledgers.sessions
        equity, costs = rows.cash + rows.value, rows.commission + rows.spread + rows.slippage + rows.financing
        money = {"cash": rows.cash, "positions_value": rows.value, "equity": equity, "pnl": rows.pnl, "income": rows.income, "costs": costs}
        money |= {"commission": rows.commission, "spread_cost": rows.spread, "slippage_cost": rows.slippage}
        money |= {"financing_cost": rows.financing, "traded": rows.traded}
        shares_of_equity = {
            "turnover": _ratio(rows.traded, rows.equity_at_open),
            "gross": np.where(equity > 0, rows.gross, np.nan),
            "net": _ratio(rows.value, equity),
        }
        frame = _frame(
            {
                "session": self._days[: len(equity)],
                **{name: cents / 100 for name, cents in money.items()},
                **shares_of_equity,
                "benchmark": benchmark,
                "n_positions": rows.n_positions,
                "n_trades": rows.n_trades,
                "n_unfilled": rows.n_unfilled,
                "margin_call": rows.called,
            },
            EQUITY_SCHEMA,
        )
        return frame.with_columns(pl.col(*shares_of_equity).fill_nan(None))

    def positions_frame(self) -> pl.DataFrame:
        """The positions contract."""
        rows = self._ledgers.positions
        order = self._order(rows.session[: rows.used[0]], rows.at[: rows.used[0]])
        session, at, value, basis = rows.session[order], rows.at[order], rows.value[order], rows.basis[order]
        frame = _frame(
            {
                "session": self._days[session],
                **self._names(session, at),
                "shares": rows.shares[order],
                "price": rows.price[order],
                "value": value / 100,
                "weight": rows.weight[order],
                "basis": basis / 100,
                "unrealised_pnl": (value - basis) / 100,
                "missing_sessions": rows.missing[order],
            },
            POSITIONS_SCHEMA,
        )
        return frame.with_columns(pl.col("weight").fill_nan(None))

    def trades_frame(self) -> pl.DataFrame:
        """The trades contract."""
        n = self._ledgers.trades.used[0]
        rows = TradeLedger._make(column[:n] for column in self._ledgers.trades)
        adverse, first = rows.spread + rows.slippage, np.searchsorted(rows.session, np.arange(len(self._days)))
        reasons = _either(rows.delisted, "delisted", "rebalance")
        reasons = reasons.scatter(self._exits, "exit") if self._exits else reasons
        before = np.where(rows.delisted, np.datetime64("NaT"), self._days[rows.session - 1])
        frame = _frame(
            {
                "session": self._days[rows.session],
                "sequence": np.arange(n) - first[rows.session],
                "signal_session": before,
                **self._names(rows.session, rows.at),
                "side": _either(rows.sign > 0, "buy", "sell"),
                "effect": _either(rows.closing, "close", "open"),
                "reason": reasons,
                "shares": rows.shares,
                "reference_price": rows.reference,
                "price": (rows.notional + rows.sign * adverse) / 100 / rows.shares,
                "notional": rows.notional / 100,
                "commission": rows.commission / 100,
                "spread_cost": rows.spread / 100,
                "slippage_cost": rows.slippage / 100,
                "cash_flow": rows.cash_flow / 100,
                "realised_pnl": np.where(rows.closing, rows.realised / 100, np.nan),
            },
            TRADES_SCHEMA,
        )
        return frame.with_columns(pl.col("realised_pnl").fill_nan(None))

    def unfilled_frame(self) -> pl.DataFrame:
        """The contract of unfilled orders."""
        ledgers, rows = self._ledgers, self._ledgers.unfilled
        n = rows.used[0]
        places = np.unique(UNFILLED, return_inverse=True)[1]  # reasons in the order of their names, of which two may be one
        order = self._order(ledgers.unfilled_session[:n], rows.at[:n], places[rows.reason[:n]])
        session, at, ordered = ledgers.unfilled_session[order], rows.at[order], rows.ordered[order]
        current, target = ledgers.unfilled_current[order], ledgers.unfilled_target[order]
        side = np.where(np.isnan(ordered), target - np.nan_to_num(current), ordered)
        frame = _frame(
            {
                "session": self._days[session],
                "signal_session": self._days[session - 1],
                **self._names(session, at),
                "side": _either(side < 0, "sell", "buy"),
                "reason": pl.Series(UNFILLED, dtype=pl.String).gather(rows.reason[order]),
                "current_weight": current,
                "target_weight": target,
                "ordered_shares": np.abs(ordered),
                "filled_shares": rows.filled[order],
            },
            UNFILLED_SCHEMA,
        )
        return frame.with_columns(pl.col("ordered_shares", "current_weight").fill_nan(None))

    def _order(self, session: Ints, at: Ints, last: Ints | None = None) -> Ints:
        """By session, then by ticker, then by what else there is, then by instrument: one that has ended keeps its ticker, which another may have."""
        symbol = session * self._n + self._ranks[self._market.naming[session] * self._n + at]
        if last is None and (symbol[1:] > symbol[:-1]).all():  # as a rule, ids and tickers have one order
            return np.arange(len(symbol))
        return np.lexsort((at, symbol) if last is None else (at, last, symbol))

    def _names(self, session: Ints, at: Ints) -> dict[str, pl.Series]:
        """What instruments are called at a session, and what they are."""
        return {"symbol": self._tickers.gather(self._market.naming[session] * self._n + at), "instrument": self._instruments.gather(at)}


def result_of(
    market: Market, ledgers: Ledgers, benchmark: NDArray[np.float64], *, equity_only: bool = False, exits: Collection[int] = ()
) -> BacktestResult:
    """The frames of what happened.

    Parameters
    ----------
    benchmark
        float64 of shape (n_sessions,), in currency.
    equity_only
        The other frames stay empty.
    exits
        The rows of trades that are exits of brackets.
    """
    journal = Journal(market, ledgers, exits)
    if equity_only:
        return BacktestResult(
            equity=journal.equity_frame(benchmark),
            positions=POSITIONS_SCHEMA.to_frame(),
            trades=TRADES_SCHEMA.to_frame(),
            unfilled=UNFILLED_SCHEMA.to_frame(),
        )
    return BacktestResult(
        equity=journal.equity_frame(benchmark),
        positions=journal.positions_frame(),
        trades=journal.trades_frame(),
        unfilled=journal.unfilled_frame(),
    )


def result_later(market: Market, equity: pl.DataFrame, ledgers: Callable[[], Ledgers]) -> BacktestResult:
    """As `result_of`, where ledgers of trades and positions are written when one of their frames is first asked for."""
    journal = cache(lambda: Journal(market, ledgers()))
    makers = {
        "positions": lambda: journal().positions_frame(),
        "trades": lambda: journal().trades_frame(),
        "unfilled": lambda: journal().unfilled_frame(),
    }
    return LaterResult(equity, makers)


def _either(which: NDArray[np.bool_], this: str, that: str) -> pl.Series:
    if not which.any():
        return pl.Series([that], dtype=pl.String).new_from_index(0, len(which))
    return pl.Series([that, this], dtype=pl.String).gather(which.astype(np.uint32))


def _ratio(cents: Ints, of: Ints) -> NDArray[np.float64]:
    """NaN where that is not positive."""
    return np.where(of > 0, cents / np.where(of > 0, of, 1), np.nan)


def _frame(columns: dict[str, Any], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(name, columns[name]).cast(dtype) for name, dtype in schema.items()})
