"""An engine's orders as the tables of every backtest: legs, costs, positions and equity in whole cents, and what was not filled.

Cash is the engine's own, to the cent, and checked against what its trades add up to by our costs: an engine that loses or finds money is an error. Where it keeps parts of a cent,
what rounding leaves is in `pnl`.
"""

import numpy as np
import polars as pl

from ats_assets.backtests.benchmark import benchmark_column, benchmark_values
from ats_assets.backtests.child_engine.job_files import ChildAnswer
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.journal import new_ledgers, result_of
from ats_assets.backtests.ledgers import Ledgers, PositionLedger, SessionLedger
from ats_assets.backtests.market import Market
from ats_assets.backtests.market_terms import market_terms
from ats_assets.backtests.simulation import UNFILLED, Prices, marks_at
from ats_assets.backtests.trade_columns import Columns, joined_columns, sums, traded_legs
from ats_assets.errors import ContractError, EngineError
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import Indices, TradeLedger
from ats_assets.portfolio.costs import Cents, to_cents
from ats_assets.portfolio.margin import called_for_margin
from ats_assets.portfolio.opening import UnfilledLedger
from ats_assets.portfolio.sizing import SHARE_DECIMALS
from ats_assets.settings import BacktestSettings

CENTS_OF_A_TRADE = 2.0
"""What three costs and a notional can be off by at most, each rounded to the cent."""
HALF_A_CENT = 0.005
"""In currency: less than that is not filled, or more, where shares are rounded."""


def rebuilt(market: Market, weight: Floats, answer: ChildAnswer, inputs: BacktestInputs, name: str) -> BacktestResult:
    """The tables of what an engine did.

    Parameters
    ----------
    weight
        The weights that it was given, of shape (n_sessions, n_instruments), by the session at whose open they are traded.

    Raises
    ------
    ContractError
        If a position stayed without a bar for so long that it is delisted, which engines know nothing of.
    EngineError
        If the engine's own cash is not what its trades add up to.
    """
    book = _Book(market, inputs.settings, answer)
    for i in range(len(market.sessions)):
        book.pass_session(i)
    book.judge_cash(name)
    prices, only = _prices(market, inputs.settings), benchmark_column(market, inputs.settings.benchmark)
    ledgers = _with_unfilled(book.ledgers(), market, weight, answer.orders, book.equity)
    benchmark = benchmark_values(prices, float(inputs.settings.initial_cash), only)
    return result_of(market, ledgers, benchmark, equity_only=inputs.equity_only)


def _prices(market: Market, settings: BacktestSettings) -> Prices:
    return market.prices(settings.margin, market_terms(market, settings, None)[0])


class _Book:
    """What is held, arrays of shape (n_instruments,), and what has happened so far."""

    def __init__(self, market: Market, settings: BacktestSettings, answer: ChildAnswer) -> None:
        shape = market.open.shape
        self._market, self._settings, self._prices = market, settings, _prices(market, settings)
        self._filled = np.zeros(shape)
        orders = answer.orders
        self._filled[orders["row"].to_numpy(), orders["column"].to_numpy()] = orders["filled"].to_numpy()
        self._shares, self._basis = np.zeros(shape[1]), np.zeros(shape[1], dtype=np.int64)
        self._missing = np.zeros(shape[1], dtype=np.int64)
        self._cash = to_cents(answer.account["cash"].to_numpy())
        self._at_open, self._value = np.zeros(shape[0], dtype=np.int64), np.zeros(shape[0], dtype=np.int64)
        self._called = np.zeros(shape[0], dtype=np.bool_)
        self._trades: list[Columns] = []
        self._positions: list[Columns] = []

    @property
    def equity(self) -> Cents:
        """At each close."""
        return self._cash + self._value

    def pass_session(self, i: int) -> None:
        """Take over the fills of a session, and mark at the close."""
        market, opened = self._market, self._cash[i - 1] if i else self._initial
        held = np.flatnonzero(self._shares)
        self._at_open[i] = opened + to_cents(self._shares[held] * marks_at(i, self._prices)[held]).sum()
        shares = np.round(self._shares + self._filled[i], SHARE_DECIMALS)
        if self._filled[i].any():
            legs = traded_legs(i, self._shares, shares, market.open[i], self._basis, self._costs_of)
            self._trades += [leg | {"shares": np.round(leg["shares"], SHARE_DECIMALS)} for leg in legs]
        self._shares, self._missing = shares, np.where(np.isnan(market.open[i]), self._missing + 1, 0)
        at = np.flatnonzero(shares)
        gone = at[self._missing[at] > self._settings.max_missing_sessions]
        if len(gone):
            raise ContractError(
                f"{market.tickers[i][gone[0]]} is held in session {market.sessions[i]} though it has had no bar for {self._missing[gone[0]]} sessions: "
                "this engine can't close what is delisted. Set backtest.max_missing_sessions higher, or choose backtest.engine = 'orders'"
            )
        value = to_cents(shares[at] * market.last_close[i, at])
        self._value[i] = value.sum()
        self._called[i] = called_for_margin(value, int(self.equity[i]), self._settings.margin)
        columns: Columns = {
            "session": np.full(len(at), i),
            "at": at,
            "shares": shares[at],
            "price": market.last_close[i, at],
            "value": value,
        }
        self._positions.append(columns | {"basis": self._basis[at], "missing": self._missing[at]})

    @property
    def _initial(self) -> int:
        return int(to_cents(self._settings.initial_cash))

    def _costs_of(self, notional: Cents, _: Indices) -> dict[str, Cents]:
        """`ats_assets.portfolio.costs.trade_costs`, of many at once."""
        rates = {
            "commission": self._settings.commission_bps,
            "spread": self._settings.spread_bps / 2,
            "slippage": self._settings.slippage_bps,
        }
        costs = {cost: np.rint(notional * bps / 1e4).astype(np.int64) for cost, bps in rates.items()}
        least = int(to_cents(self._settings.min_commission))
        return costs | {"commission": np.where(notional > 0, np.maximum(costs["commission"], least), 0)}

    def judge_cash(self, name: str) -> None:
        """Whether the engine's cash is what its trades leave."""
        trades, n = joined_columns(self._trades), len(self._cash)
        ours = self._initial + np.cumsum(sums(n, trades, "cash_flow"))
        may = 1.0 + CENTS_OF_A_TRADE * np.cumsum(np.bincount(trades["session"], minlength=n))
        off = np.flatnonzero(np.abs(ours - self._cash) > may)
        if len(off):
            i = int(off[0])
            raise EngineError(
                f"the engine {name} has {self._cash[i] / 100:,.2f} of cash in session {self._market.sessions[i]}, but its trades leave {ours[i] / 100:,.2f}"
            )

    def ledgers(self) -> Ledgers:
        """What has happened, as the journal reads it."""
        n, trades, positions = len(self._cash), joined_columns(self._trades), joined_columns(self._positions)
        spent = {cost: sums(n, trades, cost) for cost in ("commission", "spread", "slippage")}
        equity = self.equity
        whole = equity[positions["session"]]
        weight = np.where(whole > 0, positions["value"] / np.where(whole > 0, whole, 1), np.nan)
        sessions = SessionLedger(
            cash=self._cash,
            value=self._value,
            pnl=np.diff(equity, prepend=self._initial) + sum(spent.values()),
            income=np.zeros(n, dtype=np.int64),
            financing=np.zeros(n, dtype=np.int64),
            traded=sums(n, trades, "notional"),
            equity_at_open=self._at_open,
            gross=np.bincount(positions["session"], np.abs(np.nan_to_num(weight)), n).astype(np.float64),
            n_positions=np.bincount(positions["session"], minlength=n),
            n_trades=np.bincount(trades["session"], minlength=n),
            n_unfilled=np.zeros(n, dtype=np.int64),
            called=self._called,
            **spent,
        )
        return new_ledgers(0, 0)._replace(
            sessions=sessions,
            trades=TradeLedger(used=np.array([len(trades["at"])]), **trades),
            positions=PositionLedger(used=np.array([len(positions["at"])]), weight=weight, **positions),
        )


def _with_unfilled(ledgers: Ledgers, market: Market, weight: Floats, orders: pl.DataFrame, equity: Cents) -> Ledgers:
    """The orders that were not filled, or only in part, and why."""
    row, at = orders["row"].to_numpy(), orders["column"].to_numpy()
    ordered, filled = orders["ordered"].to_numpy(), orders["filled"].to_numpy()
    left = (np.abs(ordered) - np.abs(filled)) * market.last_close[row - 1, at] > HALF_A_CENT
    row, at, ordered, filled = row[left], at[left], ordered[left], np.abs(filled[left])
    quoted, traded = ~np.isnan(market.open[row, at]), market.traded[row, at]
    names = np.where(~quoted, UNFILLED.index("no_bar"), np.where(~traded, UNFILLED.index("no_volume"), UNFILLED.index("cash")))
    positions = ledgers.positions
    value = np.zeros(market.open.shape)
    value[positions.session, positions.at] = positions.value
    before = equity[row - 1]
    return ledgers._replace(
        sessions=ledgers.sessions._replace(n_unfilled=np.bincount(row, minlength=len(equity))),
        unfilled=UnfilledLedger(used=np.array([len(row)]), at=at, reason=names, ordered=ordered, filled=filled),
        unfilled_session=row,
        unfilled_current=np.where(before > 0, value[row - 1, at] / np.where(before > 0, before, 1), np.nan),
        unfilled_target=np.nan_to_num(weight[row, at]),
    )
