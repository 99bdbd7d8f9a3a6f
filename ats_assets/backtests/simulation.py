"""The session by session part of the backtest, as kernels: `engine` says in words what they do, and in what order.

Numbers of sessions are rows of the market, numbers of instruments its columns; money is in whole cents.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ats_assets.backtests.ledgers import Ledgers, SessionLedger
from ats_assets.impact.impact_terms import ImpactTerms, terms_at
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.account import Holdings, Indices, charge, value_of
from ats_assets.portfolio.actions import CANCELLED, apply_actions, price_of_new
from ats_assets.portfolio.allowed_changes import change_under_brake, changes_of_all
from ats_assets.portfolio.costs import cents_of
from ats_assets.portfolio.drawdown_brake import exposure_factor
from ats_assets.portfolio.exit_prices import POSITION_GONE
from ats_assets.portfolio.kernel_settings import BrakeRules, CostRules, LimitRules, MarginRules, WeightRules
from ats_assets.portfolio.limit_orders import NOT_REACHED
from ats_assets.portfolio.margin import called_for_margin
from ats_assets.portfolio.opening import UNFILLED_REASONS, delist, fill, note
from ats_assets.portfolio.planning import TRADE_REASONS, PlanInputs, Planned, plan
from ats_assets.portfolio.worked_session import WORKED_REASONS

UNFILLED = (*UNFILLED_REASONS, CANCELLED, *TRADE_REASONS, *WORKED_REASONS, NOT_REACHED, POSITION_GONE)
"""Why an order is not filled; a kernel has the places."""
_CANCELLED = len(UNFILLED_REASONS)
_TRADES, _UNFILLED = 3, 4
"""Of an instrument in a session at most: delisted, closed and opened; cancelled, planned away, and each leg not filled."""


class TradingRules(NamedTuple):
    """Of the settings."""

    weights: WeightRules
    limits: LimitRules
    costs: CostRules
    margin: MarginRules
    brake: BrakeRules


class Prices(NamedTuple):
    """The market as kernels have it; `ats_assets.backtests.market.Market` says what it holds. Matrices are of shape (n_sessions, n_instruments)."""

    open: Floats
    last_close: Floats
    traded: Booleans
    ratio: Floats
    paid: Floats
    acts: Booleans
    """By session: whether a corporate action takes effect at its open."""
    days: NDArray[np.int64]
    """By session: calendar days since the session before."""
    borrow_rates: Floats
    """Of shape (n_namings, n_instruments): basis points a year, under the tickers of that time."""
    naming: NDArray[np.int64]
    """By session: the row of `borrow_rates`."""
    ended: Indices
    ended_bounds: NDArray[np.int64]
    """Of shape (n_sessions + 1,): where the columns of a session begin in `ended`."""
    target_columns: Indices
    target_weights: Floats
    target_changes: NDArray[np.int64]
    target_bounds: NDArray[np.int64]
    """Of shape (n_sessions + 1,), as `ended_bounds`."""
    terms: ImpactTerms
    """What trades at the open of a session cost, arrays of shape (n_sessions, n_instruments), or of one row that holds for all."""


class State(NamedTuple):
    """The account, and for how many sessions in a row each instrument has had no bar; changed where it stands."""

    holdings: Holdings
    missing: NDArray[np.int64]


@kernel
def simulate(first: int, market: Prices, state: State, planned: Planned, rules: TradingRules, ledgers: Ledgers) -> tuple[int, Planned]:
    """Go through the sessions from `first` on, until the last or until the ledgers might have no room for another one.

    Returns
    -------
    The next session, and what is planned for its open.
    """
    n_sessions, n = market.open.shape
    for i in range(first, n_sessions):
        if not have_room(ledgers, n):
            return i, planned
        opened = open_session(i, market, state, planned, rules, ledgers)
        planned = end_session(i, market, state, opened, rules, ledgers)
    return n_sessions, planned


class OpenedSession(NamedTuple):
    """Where a session stands once its open is over."""

    marks: Floats
    quoted: Booleans
    first_trade: int
    first_unfilled: int


@kernel
def open_session(i: int, market: Prices, state: State, planned: Planned, rules: TradingRules, ledgers: Ledgers) -> OpenedSession:
    """Session `i` up to its open, with the orders planned at the close before."""
    holdings, missing = state
    n = market.open.shape[1]
    first_trade, first_unfilled = ledgers.trades.used[0], ledgers.unfilled.used[0]
    _before_the_open(i, market, holdings, rules, ledgers.sessions)
    quoted, marks, gone = ~np.isnan(market.open[i]), marks_at(i, market), np.zeros(n, dtype=np.bool_)
    for j in range(n):
        missing[j] = 0 if quoted[j] else missing[j] + 1
        gone[j] = missing[j] > rules.costs.max_missing_sessions
    for k in range(market.ended_bounds[i], market.ended_bounds[i + 1]):
        gone[market.ended[k]] = True
    delist(holdings, ledgers.trades, gone, marks, rules.costs, i)
    ledgers.sessions.equity_at_open[i] = holdings.cash[0] + value_of(holdings, marks, np.flatnonzero(holdings.shares))
    _trade(i, market, holdings, planned, marks, quoted, rules, ledgers)
    return OpenedSession(marks, quoted, first_trade, first_unfilled)


@kernel
def end_session(i: int, market: Prices, state: State, opened: OpenedSession, rules: TradingRules, ledgers: Ledgers) -> Planned:
    """Session `i` at its close; what is planned for the open of the next one."""
    called = _close(i, market, state, rules, ledgers)
    _sum_up(i, opened.first_trade, opened.first_unfilled, ledgers)
    opinion = market.target_bounds[i + 1] > market.target_bounds[i]
    if opinion or called:
        book, cash = _book(i, market, state.holdings, opened.quoted, rules, ledgers.sessions), state.holdings.cash[0]
        return plan(book, cash, opinion, rules.weights, rules.limits, rules.margin, None, None, None)
    return nothing_planned()


@kernel
def have_room(ledgers: Ledgers, n: int) -> bool:
    """Whether there is room for what may happen to `n` instruments in a session."""
    trades, positions, unfilled = ledgers.trades, ledgers.positions, ledgers.unfilled
    return (
        trades.used[0] + _TRADES * n <= len(trades.at)
        and positions.used[0] + n <= len(positions.at)
        and unfilled.used[0] + _UNFILLED * n <= len(unfilled.at)
    )


@kernel
def _before_the_open(i: int, market: Prices, holdings: Holdings, rules: TradingRules, sessions: SessionLedger) -> None:
    """What is borrowed is paid for, and corporate actions take effect."""
    if i == 0:
        return
    before = market.last_close[i - 1]
    fees, interest = charge(holdings, before, market.borrow_rates[market.naming[i]], market.days[i], rules.margin)
    sessions.financing[i] = fees.sum() + interest
    if market.acts[i]:
        fractional = rules.costs.fractional_shares
        applied = apply_actions(holdings.shares, holdings.basis, market.ratio[i], market.paid[i], before, fractional)
        holdings.shares[:] = applied.shares
        holdings.basis[:] = applied.basis
        sessions.income[i] = applied.dividends.sum() + applied.in_lieu.sum()
        holdings.cash[0] += sessions.income[i]


@kernel
def marks_at(i: int, market: Prices) -> Floats:
    """What a share is worth at the open of session `i`: its price, or where there is no bar the last close, after the session's actions."""
    marks = np.empty(market.open.shape[1])
    write_marks(i, market, marks)
    return marks


@kernel
def write_marks(i: int, market: Prices, marks: Floats) -> None:
    """As `marks_at`, into an array that is there."""
    absent = 0
    for j in range(len(marks)):
        marks[j] = market.open[i, j]
        absent += np.isnan(market.open[i, j])
    if absent and i > 0:
        for j in range(len(marks)):
            if np.isnan(marks[j]):
                marks[j] = price_of_new(market.last_close[i - 1, j], market.ratio[i, j], market.paid[i, j])


@kernel
def _trade(
    i: int, market: Prices, holdings: Holdings, planned: Planned, marks: Floats, quoted: Booleans, rules: TradingRules, ledgers: Ledgers
) -> None:
    """The open of session `i`, with the orders planned at the close before."""
    unfilled, n = ledgers.unfilled, len(quoted)
    first = unfilled.used[0]
    orders, current, target = np.zeros(n), np.zeros(n), np.zeros(n)
    for k, j in enumerate(planned.at):
        current[j], target[j] = planned.current[k], planned.target[k]
        if market.ratio[i, j] != 1.0 and planned.shares[k] != 0.0:
            note(unfilled, j, planned.shares[k], 0.0, _CANCELLED)
        else:
            orders[j] = planned.shares[k]
        if planned.reasons[k] != 0:
            note(unfilled, j, planned.wanted[k], 0.0, planned.reasons[k] + _CANCELLED)
    fill(holdings, ledgers.trades, unfilled, orders, marks, quoted, market.traded[i], rules.costs, terms_at(market.terms, i), i)
    for row in range(first, unfilled.used[0]):
        ledgers.unfilled_session[row] = i
        ledgers.unfilled_current[row] = current[unfilled.at[row]]
        ledgers.unfilled_target[row] = target[unfilled.at[row]]


@kernel
def _close(i: int, market: Prices, state: State, rules: TradingRules, ledgers: Ledgers) -> bool:
    """Record what is held at the close of session `i`; whether margin is called."""
    sessions, positions = ledgers.sessions, ledgers.positions
    (cash, shares, basis), missing = state
    held = np.flatnonzero(shares)
    values, weights, first = np.zeros(len(held), dtype=np.int64), np.full(len(held), np.nan), positions.used[0]
    for k, j in enumerate(held):
        row, price = first + k, market.last_close[i, j]
        values[k] = cents_of(shares[j] * price)
        positions.session[row] = i
        positions.at[row] = j
        positions.shares[row] = shares[j]
        positions.price[row] = price
        positions.value[row] = values[k]
        positions.basis[row] = basis[j]
        positions.missing[row] = missing[j]
    value = values.sum()
    equity = cash[0] + value
    for k in range(len(held)):
        if equity > 0:
            weights[k] = values[k] / equity
        positions.weight[first + k] = weights[k]
    positions.used[0] = first + len(held)
    sessions.cash[i], sessions.value[i], sessions.gross[i] = cash[0], value, total(np.abs(weights))
    sessions.n_positions[i] = len(held)
    sessions.called[i] = called_for_margin(values, equity, rules.margin)
    return sessions.called[i]


@kernel
def _sum_up(i: int, first_trade: int, first_unfilled: int, ledgers: Ledgers) -> None:
    """The sums over the session's trades."""
    sessions, trades = ledgers.sessions, ledgers.trades
    bought = 0
    for row in range(first_trade, trades.used[0]):
        bought += trades.sign[row] * trades.notional[row]
        sessions.traded[i] += 0 if trades.delisted[row] else trades.notional[row]
        sessions.commission[i] += trades.commission[row]
        sessions.spread[i] += trades.spread[row]
        sessions.slippage[i] += trades.slippage[row]
    before = sessions.value[i - 1] if i > 0 else 0
    sessions.pnl[i] = sessions.value[i] - before - bought + sessions.income[i]
    sessions.n_trades[i] = trades.used[0] - first_trade
    sessions.n_unfilled[i] = ledgers.unfilled.used[0] - first_unfilled


@kernel
def _book(i: int, market: Prices, holdings: Holdings, quoted: Booleans, rules: TradingRules, sessions: SessionLedger) -> PlanInputs:
    """What is held and wanted at the close of session `i`, after what the account has lost."""
    since = max(0, i + 1 - rules.brake.peak_sessions)
    equity = (sessions.cash[since : i + 1] + sessions.value[since : i + 1]) / 100.0
    exposure = exposure_factor(equity, np.zeros(len(equity)), rules.brake)
    target, everywhere = np.zeros(len(quoted)), np.full(len(quoted), True)
    first, last = market.target_bounds[i], market.target_bounds[i + 1]
    for k in range(first, last):
        target[market.target_columns[k]] = market.target_weights[k]
    changes = changes_of_all(len(quoted), market.target_columns[first:last], market.target_changes[first:last])
    for j in range(len(quoted)):
        changes[j] = change_under_brake(changes[j], target[j], exposure)
        target[j] *= exposure
    return PlanInputs(
        held=holdings.shares,
        prices=market.last_close[i],
        target=target,
        quoted=quoted,
        traded=market.traded[i],
        tradable=everywhere,
        shortable=everywhere,
        fractional=np.full(len(quoted), rules.costs.fractional_shares),
        changes=changes,
    )


@kernel
def nothing_planned() -> Planned:
    """No trades."""
    none, nowhere = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Planned(at=nowhere, shares=none, wanted=none, closing=none, current=none, target=none, reasons=nowhere)
