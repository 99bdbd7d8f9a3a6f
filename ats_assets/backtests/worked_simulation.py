"""The backtest session by session where orders have limits or are worked in parts: as `simulation`, with what happens to them between the open and the close."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.order_selection import ChosenWork, selected
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.simulated_session import NO_BARS
from ats_assets.algorithms.stored_days import DayPrices
from ats_assets.backtests.journal import new_ledgers
from ats_assets.backtests.ledgers import Ledgers, with_more_room
from ats_assets.backtests.limited_orders import LimitedLeg, fill_limited, for_the_open, limited_legs
from ats_assets.backtests.market import Market
from ats_assets.backtests.played_exits import PlayedExits, filled_at_open
from ats_assets.backtests.simulation import (
    UNFILLED,
    OpenedSession,
    Prices,
    State,
    TradingRules,
    end_session,
    have_room,
    nothing_planned,
    open_session,
)
from ats_assets.impact.impact_terms import terms_at
from ats_assets.portfolio.account import Account
from ats_assets.portfolio.actions import CANCELLED
from ats_assets.portfolio.opening import note
from ats_assets.portfolio.planning import Planned
from ats_assets.portfolio.sizing import rounded_one
from ats_assets.portfolio.worked_session import SessionAccount, WorkedTrade, work_session
from ats_assets.portfolio.working_rules import WorkingRules


@dataclass(frozen=True, kw_only=True)
class WorkedColumn:
    """What is worked of one instrument: signed shares, those of them that close a position, and its weights as planned."""

    at: int
    symbol: str
    shares: float
    closing: float
    chosen: ChosenWork
    current: float
    target: float


@dataclass(frozen=True, kw_only=True)
class PlannedApart:
    """The orders of one open, by what becomes of them."""

    at_open: Planned
    worked: list[WorkedColumn]
    limited: list[LimitedLeg]
    """Those with a limit that are for the open."""
    waiting: list[LimitedLeg]
    """Those that wait for it within the session."""


def simulate_worked(
    market: Market, prices: Prices, initial_cash: float, rules: TradingRules, working: WorkingRules
) -> tuple[Ledgers, list[int]]:
    """Go through all sessions; what happened, and which rows of its trades are exits of brackets."""
    n_sessions, n = prices.open.shape
    state, ledgers = State(Account.opened(initial_cash, n).holdings, np.zeros(n, dtype=np.int64)), new_ledgers(n_sessions, n)
    planned, exits = nothing_planned(), PlayedExits(market=market, prices=prices, state=state, costs=rules.costs)
    for i in range(n_sessions):
        ledgers = _with_room(ledgers, n)
        apart = _apart(i, market, prices, state, planned, working)
        exits.split(i)
        opened = open_session(i, prices, state, apart.at_open, rules, ledgers)
        got = filled_at_open(apart.limited, opened.first_trade, ledgers)
        filled = [(one, got.get(one.at, 0.0), True) for one in apart.limited]
        ledgers = _with_room(ledgers, n)
        exits.at_open(i, opened, ledgers)
        ledgers = _with_room(ledgers, n)
        for one, shares, reason in (
            fill_limited(i, market, prices, state, apart.waiting, rules.costs, ledgers.trades) if apart.waiting else []
        ):
            filled.append((one, shares, False))
            if reason:
                _note(ledgers, i, one, one.sign * one.quantity, shares, reason)
        ledgers = _work(i, market, prices, state, opened, apart.worked, rules, working, ledgers)
        ledgers = _with_room(ledgers, n)
        exits.within(i, filled, ledgers)
        planned = end_session(i, prices, state, opened, rules, ledgers)
    return ledgers, exits.rows


def _with_room(ledgers: Ledgers, n: int) -> Ledgers:
    while not have_room(ledgers, n):
        ledgers = with_more_room(ledgers)
    return ledgers


def _apart(  # noqa: PLR0917 - as the kernels
    i: int, market: Market, prices: Prices, state: State, planned: Planned, working: WorkingRules
) -> PlannedApart:
    """What is for the open, what is worked, and what waits for its limit."""
    shares, columns, limited, waiting = planned.shares.copy(), [], list[LimitedLeg](), list[LimitedLeg]()
    for k, at in enumerate(map(int, planned.at)):
        size, held = abs(planned.shares[k]), state.holdings.shares[at]
        if size == 0.0:
            continue
        closing = min(abs(held), size) if held * planned.shares[k] < 0.0 else 0.0
        decided = market.tickers[i - 1][at]
        volume = market.volume[i - 1, at]
        liquidity = working.days.liquidity(market.sessions[i - 1], decided, float(volume) if np.isfinite(volume) else None)
        parts = [exact(part) for part in (closing, rounded_one(size - closing)) if part > 0.0]
        chosen = selected(working.orders, decided, Leg.CLOSE if closing else Leg.OPEN, parts, liquidity)
        if chosen.is_worked:
            columns.append(
                WorkedColumn(
                    at=at,
                    symbol=str(market.tickers[i][at]),
                    shares=float(planned.shares[k]),
                    closing=float(closing),
                    chosen=chosen,
                    current=float(planned.current[k]),
                    target=float(planned.target[k]),
                )
            )
            shares[k] = 0.0
        elif chosen.kind != OrderKind.MARKET_ON_OPEN:
            kind, weights = OrderKind(chosen.kind), (float(planned.current[k]), float(planned.target[k]))
            legs = list(limited_legs(i, market, working.orders, kind, at, float(planned.shares[k]), float(closing), *weights))
            later = [one for one in legs if not for_the_open(i, prices, one)]
            limited += [one for one in legs if one not in later]
            waiting += later
            if later:
                shares[k] = rounded_one(sum(one.sign * one.quantity for one in legs if one not in later))
    return PlannedApart(at_open=planned._replace(shares=shares), worked=columns, limited=limited, waiting=waiting)


def _work(  # noqa: PLR0917 - as the kernels
    i: int,
    market: Market,
    prices: Prices,
    state: State,
    opened: OpenedSession,
    columns: list[WorkedColumn],
    rules: TradingRules,
    working: WorkingRules,
    ledgers: Ledgers,
) -> Ledgers:
    """Play the session of what is worked, and write down what came of it."""
    account = SessionAccount(
        holdings=state.holdings,
        rows={one.symbol: one.at for one in columns},
        marks=opened.marks,
        costs=rules.costs,
        terms=terms_at(prices.terms, i),
        session=i,
    )
    through = [one for one in columns if market.ratio[i, one.at] == 1.0]
    times, orders = working.days.times(market.sessions[i]), []
    told: dict[str, DayPrices] = {}
    for one in through:
        traded = bool(opened.quoted[one.at] and market.traded[i, one.at])
        told[one.symbol] = DayPrices(
            open=float(market.open[i, one.at]) if traded else None, close=float(market.last_close[i, one.at]) if traded else None
        )
        side, price = Side.BUY if one.shares > 0.0 else Side.SELL, exact(market.last_close[i - 1, one.at])
        for leg, part in ((Leg.CLOSE, one.closing), (Leg.OPEN, rounded_one(abs(one.shares) - one.closing))):
            if part > 0.0:
                orders.append(working.worked(one.symbol, side, leg, exact(part), price, one.chosen, times))
    if not columns:
        return ledgers
    played = work_session(account, orders, working.days.days(times.session, told), times, volume_share=working.orders.minute_volume_share)
    for made in account.trades:
        ledgers = _with_room(ledgers, prices.open.shape[1])
        _add(ledgers, made)
    reasons = {one.parent.symbol: one.reason for one in played.orders}
    for one in columns:
        filled = sum((fill.quantity for fill in played.fills if fill.parent_id.rpartition("-")[0] == one.symbol), Decimal(0))
        if float(filled) < abs(one.shares):
            _note(ledgers, i, one, one.shares, float(filled), _why(i, market, opened, one, reasons.get(one.symbol, "")))
    return ledgers


def _add(ledgers: Ledgers, made: WorkedTrade) -> None:
    """A trade's row behind the others."""
    row = int(ledgers.trades.used[0])
    for column, one in zip(ledgers.trades[1:], made.ledger[1:], strict=True):
        column[row] = one[0]
    ledgers.trades.used[0] = row + 1


def _note(ledgers: Ledgers, i: int, one: WorkedColumn | LimitedLeg, ordered: float, filled: float, reason: str) -> None:  # noqa: PLR0917 - a row
    row = int(ledgers.unfilled.used[0])
    note(ledgers.unfilled, one.at, ordered, filled, UNFILLED.index(reason))
    ledgers.unfilled_session[row], ledgers.unfilled_current[row], ledgers.unfilled_target[row] = i, one.current, one.target


def _why(i: int, market: Market, opened: OpenedSession, one: WorkedColumn, told: str) -> str:
    if market.ratio[i, one.at] != 1.0:
        return CANCELLED
    if not opened.quoted[one.at]:
        return "no_bar"
    if not market.traded[i, one.at]:
        return "no_volume"
    return NO_BARS if told == NO_BARS else "unfilled_in_session"
