"""What is decided, sent and told by the broker of option contracts, as the frames of the stage's records."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.execution.contract_legs import is_contract, legs_of, legs_text, underlying_of
from ats_assets.execution.order import AccountEntry, EntryKind, Fill, Leg, OrderIntent, OrderKind, Position, Side, exact
from ats_assets.execution.outcome import OrderOutcome
from ats_assets.option_backtests.account_rows import legs_in_words
from ats_assets.option_orders import contracts as frames
from ats_assets.option_orders.decided_orders import PlannedOptionOrder
from ats_assets.option_strategies import Decision
from ats_assets.option_strategies.book import OptionBook

_OF_CONTRACTS = (EntryKind.ASSIGNMENT, EntryKind.EXERCISE, EntryKind.EXPIRY, EntryKind.OPTION_SHARES, EntryKind.OPTION_CASH)


def option_fills_frame(session: date, fills: Iterable[Fill], intents: Mapping[str, OrderIntent]) -> pl.DataFrame:
    """The contract `OptionFills`; `intents` says what was decided, by client order id."""
    rows = []
    for fill in fills:
        if not is_contract(fill.symbol):
            continue
        decided = intents.get(fill.client_order_id)
        rows.append(
            (
                session,
                fill.fill_id,
                fill.client_order_id,
                decided.book if decided else None,
                fill.symbol,
                underlying_of(fill.symbol),
                str(fill.side),
                *(float(value) for value in (fill.quantity, fill.multiplier, fill.price, fill.fees, fill.cash_flow)),
                fill.at,
                decided.session if decided else None,
                decided.rule if decided else None,
            )
        )
    made = pl.DataFrame(rows, schema=frames.OPTION_FILLS_SCHEMA, orient="row")
    return frames.OptionFills.validate(made.sort("session", "at", "fill_id"))


def option_entries_frame(session: date, entries: Iterable[AccountEntry]) -> pl.DataFrame:
    """The contract `OptionEntries`."""
    rows = [
        (session, one.entry_id, str(one.kind), one.symbol, float(one.quantity), float(one.cash), one.at, one.description)
        for one in entries
        if one.symbol is not None and (one.kind in _OF_CONTRACTS or is_contract(one.symbol))
    ]
    made = pl.DataFrame(rows, schema=frames.OPTION_ENTRIES_SCHEMA, orient="row")
    return frames.OptionEntries.validate(made.sort("session", "at", "entry_id"))


def option_positions_frame(session: date, positions: Iterable[Position]) -> pl.DataFrame:
    """The contract `OptionPositions`."""
    rows = [
        (
            session,
            one.symbol,
            underlying_of(one.symbol),
            float(one.quantity),
            float(one.multiplier),
            *(None if value is None else float(value) for value in (one.cost, one.price, one.value)),
        )
        for one in positions
        if one.quantity and is_contract(one.symbol)
    ]
    made = pl.DataFrame(rows, schema=frames.OPTION_POSITIONS_SCHEMA, orient="row")
    return frames.OptionPositions.validate(made.sort("session", "contract"))


def option_books_frame(session: date, books: Mapping[str, OptionBook]) -> pl.DataFrame:
    """The contract `OptionBooks`."""
    rows = [
        (
            session,
            name,
            float(book.cash),
            float(book.equity),
            float(sum(abs(one.quantity) for one in book.options.values())),
            ", ".join(f"{root} {held.quantity:f}" for root, held in sorted(book.shares.items())),
        )
        for name, book in sorted(books.items())
    ]
    return frames.OptionBooks.validate(pl.DataFrame(rows, schema=frames.OPTION_BOOKS_SCHEMA, orient="row"))


def option_decisions_frame(session: date, decisions: Mapping[str, Sequence[Decision]]) -> pl.DataFrame:
    """The contract `OptionDecisions`, of the decisions by strategy."""
    rows = [
        (
            session,
            strategy,
            number,
            *(one.underlying, str(one.action), one.rule, one.reason, legs_in_words(one)),
            None if one.limit_price is None else float(one.limit_price),
        )
        for strategy, made in sorted(decisions.items())
        for number, one in enumerate(made)
    ]
    return frames.OptionDecisions.validate(pl.DataFrame(rows, schema=frames.OPTION_DECISIONS_SCHEMA, orient="row"))


def option_plan_frame(session: date, planned: Iterable[PlannedOptionOrder], refused: Mapping[str, str]) -> pl.DataFrame:
    """The contract `OptionPlan`; `refused` says why the broker would refuse an order, by client order id."""
    rows = []
    for one in planned:
        decision, intent = one.decision, one.intent
        reason = one.reason or (refused.get(intent.client_order_id) if intent else None)
        limit = None if decision.limit_price is None else float(decision.limit_price)
        rows.append(
            (
                session,
                decision.strategy,
                one.place,
                intent.client_order_id if intent and reason is None else None,
                intent.symbol if intent else None,
                decision.underlying,
                str(decision.action),
                decision.rule,
                str(intent.leg) if intent else None,
                float(intent.quantity) if intent and reason is None else 0.0,
                legs_text(intent.legs) if intent else None,
                limit,
                float(intent.decision_price) if intent else None,
                reason,
            )
        )
    made = pl.DataFrame(rows, schema=frames.OPTION_PLAN_SCHEMA, orient="row")
    return frames.OptionPlan.validate(made.sort("session", "strategy", "number"))


def option_intents_of(plan: pl.DataFrame, strategy: str) -> list[OrderIntent]:
    """The orders of a plan, in the order of the decisions; `strategy` is the account's (`orders.strategy`)."""
    found = []
    for row in plan.filter(pl.col("client_order_id").is_not_null()).sort("strategy", "number").iter_rows(named=True):
        legs = legs_of(row["legs"])
        found.append(
            OrderIntent(
                client_order_id=row["client_order_id"],
                session=row["session"],
                strategy=strategy,
                symbol=row["symbol"],
                side=Side.SELL if len(legs) == 1 and legs[0].ratio < 0 else Side.BUY,
                leg=Leg(row["leg"]),
                quantity=exact(row["quantity"]),
                kind=OrderKind.OPTION,
                decision_price=exact(row["decision_price"]),
                limit_price=None if row["limit_price"] is None else exact(row["limit_price"]),
                legs=legs,
                book=row["strategy"],
                rule=row["rule"],
                place=row["number"],
            )
        )
    return found


def option_orders_frame(session: date, outcomes: Iterable[OrderOutcome]) -> pl.DataFrame:
    """The contract `OptionOrders`."""
    rows = [
        (
            session,
            one.intent.client_order_id,
            one.intent.book,
            one.intent.symbol,
            str(one.intent.leg),
            float(one.intent.quantity),
            legs_text(one.intent.legs),
            None if one.intent.limit_price is None else float(one.intent.limit_price),
            str(one.state),
            one.reason,
            one.order.broker_order_id if one.order else None,
            one.order.submitted_at if one.order else None,
        )
        for one in outcomes
    ]
    made = pl.DataFrame(rows, schema=frames.OPTION_ORDERS_SCHEMA, orient="row")
    return frames.OptionOrders.validate(made.sort("session", "client_order_id"))
