"""The account of target weights that are held exactly, compiled: `ats_assets/backtests/engines/weights.py` says what it does.

What there is of each session (equity, costs, turnover, and the shares that it has traded to) is made in one pass over the matrices. The tables of trades and positions are written
by the same pass once more, when they are asked for, into ledgers with just the room that the first has counted.

Sums of floats are numpy's (`kernels.sums.total`), so that an account has the same bits on every processor. Sums of cents are exact as floats, too, up to 2^53 of them.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import NamedTuple

import numpy as np

from ats_assets.backtests.exact_trades import ExactBuffers, ExactRules, costs_left, new_exact_buffers, resize, trade_totals, write_legs
from ats_assets.backtests.ledgers import PositionLedger
from ats_assets.backtests.simulation import Prices, write_marks
from ats_assets.impact.impact_terms import ImpactTerms, terms_at
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import TradeLedger, empty_ledger
from ats_assets.portfolio.allowed_changes import ANY, changes_of_all, weight_allowed
from ats_assets.portfolio.costs import Cents

ROUNDING = 1e-9
"""Of a sum of weights."""


class ExactAccount(NamedTuple):
    """What is held, changed where it stands: `cash` of shape (1,), in currency, the others of shape (n_instruments,)."""

    cash: Floats
    shares: Floats
    basis: Cents
    missing: Cents
    """Sessions in a row without a bar."""


class ExactSessions(NamedTuple):
    """By session, arrays of shape (n_sessions,): floats in currency, whole numbers in cents."""

    equity: Floats
    opened: Floats
    """The equity of which the session's targets are shares."""
    income: Floats
    gross: Floats
    value: Cents
    traded: Cents
    commission: Cents
    spread: Cents
    slippage: Cents
    n_positions: Cents
    n_trades: Cents


class ExactLedgers(NamedTuple):
    """All that an account has come to; trades and positions are empty where they were not asked for."""

    sessions: ExactSessions
    held: Floats
    """Shares at each close, of shape (n_sessions, n_instruments): what a session has ordered is its row less the row before, times the session's `ratio`."""
    trades: TradeLedger
    positions: PositionLedger
    refused: int
    """The session whose targets nothing pays for; -1 if there is none."""


def held_exactly(market: Prices, rules: ExactRules, cash: float) -> ExactLedgers:
    """The account from so much cash on, without a row for each trade and position.

    Returns
    -------
    ExactLedgers
        As far as the session before the one whose targets are refused.
    """
    return _passed(market, rules, cash, 0, 0)


def with_tables(made: ExactLedgers, market: Prices, rules: ExactRules, cash: float) -> ExactLedgers:
    """An account with its trades and positions, rebuilt from what it was made of."""
    if made.refused >= 0:
        return made
    return _passed(market, rules, cash, int(made.sessions.n_trades.sum()), int(made.sessions.n_positions.sum()))


def _passed(market: Prices, rules: ExactRules, cash: float, n_trades: int, n_positions: int) -> ExactLedgers:
    n_sessions, n = market.open.shape
    account = ExactAccount(np.array([cash]), np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    sessions = empty_ledger(ExactSessions, n_sessions, floats=("equity", "opened", "income", "gross"))
    trades, positions = TradeLedger.with_room(n_trades), empty_ledger(PositionLedger, n_positions, floats=("shares", "price", "weight"))
    held = np.empty((n_sessions, n))
    refused = hold_exactly.compiled(market, rules, account, new_exact_buffers(n), sessions, held, trades, positions)
    return ExactLedgers(sessions, held, trades, positions, int(refused))


@kernel
def hold_exactly(
    market: Prices,
    rules: ExactRules,
    account: ExactAccount,
    buffers: ExactBuffers,
    sessions: ExactSessions,
    held: Floats,
    trades: TradeLedger,
    positions: PositionLedger,
) -> int:
    """Go through the sessions, and write rows to those ledgers that have room. Returns the session whose targets nothing pays for, or -1."""
    buffers.half_spread[:], buffers.slippage[:] = rules.half_spread_bps, rules.slippage_bps
    terms = terms_at(market.terms, 0)
    for i in range(len(sessions.equity)):
        opened, income, paid_for = account.cash[0], 0.0, True
        if rules.modelled:  # otherwise nobody reads them
            terms = terms_at(market.terms, i)
        if i > 0 and not rules.at_open:
            opened, paid_for = _rebalanced(i, market.last_close[i - 1], market, terms, rules, account, buffers, sessions, trades)
        if i > 0 and market.acts[i]:
            income = _acted(market.ratio[i], market.paid[i], account, buffers)
        if i > 0 and rules.at_open:
            write_marks(i, market, buffers.price)
            opened, paid_for = _rebalanced(i, buffers.price, market, terms, rules, account, buffers, sessions, trades)
        if not paid_for:
            held[i:] = 0.0
            return i
        sessions.opened[i], sessions.income[i] = opened, income
        for j in range(len(account.shares)):  # faster than a copy of the whole, which is told by its places
            held[i, j] = account.shares[j]
        _mark(i, market.last_close[i], account, buffers, sessions)
        if len(positions.at):
            _write_positions(i, market, account, sessions, positions)
    return -1


@kernel
def _acted(ratio: Floats, paid: Floats, account: ExactAccount, buffers: ExactBuffers) -> float:
    """The corporate actions of a session: what they pay goes to the cash."""
    for j in range(len(ratio)):
        buffers.size[j] = account.shares[j] * paid[j] if account.shares[j] != 0.0 else 0.0
        account.shares[j] *= ratio[j]
    income = total(buffers.size)
    account.cash[0] += income
    return income


@kernel
def _rebalanced(
    i: int,
    prices: Floats,
    market: Prices,
    terms: ImpactTerms,
    rules: ExactRules,
    account: ExactAccount,
    buffers: ExactBuffers,
    sessions: ExactSessions,
    trades: TradeLedger,
) -> tuple[float, bool]:
    """Bring the account to the targets of the session before; where there are none, or no equity, leave it. The equity before, and whether the targets are paid for."""
    shares = account.shares
    for j in range(len(shares)):
        buffers.held[j] = shares[j] * prices[j] if shares[j] != 0.0 else 0.0
    equity = account.cash[0] + total(buffers.held)
    first, last = market.target_bounds[i - 1], market.target_bounds[i]
    if first == last or equity <= 0.0:
        return equity, True
    if not _laid_out(first, last, market, prices, buffers.target):
        return equity, False
    resting = _set_aside(first, last, market, equity, buffers)
    rate = (rules.commission_bps if rules.modelled else rules.commission_bps + rules.half_spread_bps + rules.slippage_bps) / 1e4
    invested = costs_left(equity, rate, rules, terms, buffers)
    if resting:
        _put_back(invested, buffers)
    brought, modelled = resize(invested, rate, prices, shares, rules, terms, buffers)
    account.cash[0] += brought
    account.cash[0] -= modelled
    n, notional, commission, spread, slippage = trade_totals(prices, rules, buffers)
    sessions.n_trades[i], sessions.traded[i] = n, notional
    sessions.commission[i], sessions.spread[i], sessions.slippage[i] = commission, spread, slippage
    if len(trades.at):
        write_legs(i, prices, shares, account.basis, rules, buffers, trades)
    for j in range(len(shares)):
        shares[j] = buffers.after[j]
    return equity, True


@kernel
def _laid_out(first: int, last: int, market: Prices, prices: Floats, target: Floats) -> bool:
    """The targets by instrument, of those that have a price; False where the equity does not pay for them."""
    if last - first == len(target):  # one for each column, in their order
        weights = market.target_weights[first:last]
        for j in range(len(target)):
            target[j] = weights[j] if prices[j] > 0.0 else 0.0  # NaN is not: it has had no bar yet
    else:
        for j in range(len(target)):
            target[j] = 0.0
        for k in range(first, last):
            j = market.target_columns[k]
            target[j] = market.target_weights[k] if prices[j] > 0.0 else 0.0
    short = 0
    for j in range(len(target)):
        short += target[j] < 0.0
    size = total(target)
    if size <= 1.0 or short:
        return True
    for j in range(len(target)):
        target[j] /= size
    return size <= 1.0 + ROUNDING


@kernel
def _set_aside(first: int, last: int, market: Prices, equity: float, buffers: ExactBuffers) -> bool:
    """Take what stays as it is out of what is traded; its values are left in `after`. Whether there is any."""
    some = False
    for k in range(first, last):
        some = some or market.target_changes[k] != ANY
    if not some:
        return False
    changes = changes_of_all(len(buffers.held), market.target_columns[first:last], market.target_changes[first:last])
    for j in range(len(buffers.held)):
        current = buffers.held[j] / equity
        stays = changes[j] != ANY and weight_allowed(current, buffers.target[j], changes[j]) == current
        buffers.after[j] = buffers.held[j] if stays else 0.0
        if stays:
            buffers.target[j], buffers.held[j] = 0.0, 0.0
    return True


@kernel
def _put_back(invested: float, buffers: ExactBuffers) -> None:
    """What stays, at its value; where it leaves less than the others want they have what is left, since nothing is lent."""
    staying, wanted = total(buffers.after), total(buffers.target) * invested
    if wanted > 0.0 and buffers.target.min() >= 0.0 and buffers.after.min() >= 0.0 and staying + wanted > invested:
        buffers.target[:] *= max(0.0, invested - staying) / wanted
    for j in range(len(buffers.held)):
        if buffers.after[j] != 0.0:
            buffers.held[j] = buffers.after[j]
            buffers.target[j] = buffers.held[j] / invested if invested > 0.0 else 0.0


@kernel
def _mark(i: int, closes: Floats, account: ExactAccount, buffers: ExactBuffers, sessions: ExactSessions) -> None:
    """The session's close."""
    n = 0
    for j in range(len(closes)):
        worth = account.shares[j] * closes[j]
        buffers.size[j] = worth if account.shares[j] != 0.0 else 0.0
    equity = account.cash[0] + total(buffers.size)
    whole = np.rint(equity * 100.0)
    for j in range(len(closes)):
        buffers.size[j] = cents_toward_zero(account.shares[j], closes[j])
        buffers.pull[j] = abs(buffers.size[j] / whole) if whole > 0.0 else 0.0
        n += account.shares[j] != 0.0
    sessions.equity[i], sessions.gross[i] = equity, total(buffers.pull)
    sessions.value[i], sessions.n_positions[i] = int(total(buffers.size)), n


@kernel
def cents_toward_zero(shares: float, price: float) -> float:
    """The value of a position in cents, rounded toward zero, but for what floats are off."""
    if shares == 0.0:
        return 0.0
    return np.trunc(shares * price * 100.0 + (1e-6 if shares > 0.0 else -1e-6))


@kernel
def _write_positions(i: int, market: Prices, account: ExactAccount, sessions: ExactSessions, positions: PositionLedger) -> None:
    whole = np.rint(sessions.equity[i] * 100.0)
    for j in range(len(account.shares)):
        account.missing[j] = account.missing[j] + 1 if np.isnan(market.open[i, j]) else 0
        if account.shares[j] != 0.0:
            k = positions.used[0]
            value = cents_toward_zero(account.shares[j], market.last_close[i, j])
            positions.session[k], positions.at[k], positions.shares[k] = i, j, account.shares[j]
            positions.price[k], positions.value[k], positions.basis[k] = market.last_close[i, j], int(value), account.basis[j]
            positions.weight[k] = value / whole if whole > 0.0 else np.nan
            positions.missing[k] = account.missing[j]
            positions.used[0] = k + 1
