"""What a broker says, as the frames of the stage's assets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from ats_assets.corporate_actions.identity import NAME_CHANGES_SCHEMA, Identities
from ats_assets.execution.order import AccountState, BrokerOrder, Fill, Instrument, OrderIntent, Position
from ats_assets.orders.schema import (
    ACCOUNT_SCHEMA,
    FILLS_SCHEMA,
    INSTRUMENTS_SCHEMA,
    ORDERS_SCHEMA,
    POSITIONS_SCHEMA,
    AccountAtClose,
    Fills,
    Instruments,
    Orders,
    Positions,
)

CENT = Decimal("0.01")


def positions_frame(session: date, positions: Iterable[Position], known: Identities | None = None) -> pl.DataFrame:
    """The contract `Positions`; `known` says who bears which ticker."""
    known = known or _no_changes()
    rows = [
        (
            session,
            p.symbol,
            known.of(p.symbol, session),
            float(p.quantity),
            None if p.cost is None else float(p.cost),
            *((None, None) if p.price is None else (float(p.price), float((p.quantity * p.price).quantize(CENT)))),
        )
        for p in positions
        if p.quantity
    ]
    return Positions.validate(pl.DataFrame(rows, schema=POSITIONS_SCHEMA, orient="row").sort("session", "symbol"))


def account_frame(session: date, broker: str, account: AccountState, differences: Sequence[str]) -> pl.DataFrame:
    """The contract `AccountAtClose`, one row."""
    row = (
        session,
        broker,
        account.account_id,
        float(account.cash),
        float(account.equity),
        float(account.buying_power),
        account.trading_blocked,
        "; ".join(differences) or None,
        account.at,
    )
    return AccountAtClose.validate(pl.DataFrame([row], schema=ACCOUNT_SCHEMA, orient="row"))


def instruments_frame(session: date, instruments: Mapping[str, Instrument]) -> pl.DataFrame:
    """The contract `Instruments`."""
    rows = [
        (
            *(session, one.symbol, one.tradable, one.fractionable, one.shortable, one.reason, one.openable, float(one.margin_factor)),
            *(None if step is None else float(step) for step in (one.price_increment, one.quantity_increment, one.min_quantity)),
        )
        for one in instruments.values()
    ]
    return Instruments.validate(pl.DataFrame(rows, schema=INSTRUMENTS_SCHEMA, orient="row").sort("session", "symbol"))


def fills_frame(session: date, fills: Iterable[Fill], intents: Mapping[str, OrderIntent], known: Identities | None = None) -> pl.DataFrame:
    """The contract `Fills`. A fill of ours is of the instrument that its order was decided for, whichever ticker the broker calls it by.

    Parameters
    ----------
    intents
        Client order id -> what was decided; a fill whose order is not among them is not ours.
    known
        Who bears which ticker.
    """
    known = known or _no_changes()
    rows = []
    for fill in fills:
        decided = intents.get(fill.client_order_id)
        about = (decided.session, float(decided.decision_price)) if decided else (None, None)
        rows.append(
            (
                session,
                fill.fill_id,
                fill.client_order_id,
                fill.symbol,
                known.of(decided.symbol, decided.session) if decided else known.of(fill.symbol, session),
                str(fill.side),
                *(float(value) for value in (fill.quantity, fill.price, fill.fees, fill.cash_flow)),
                fill.at,
                *about,
            )
        )
    return Fills.validate(pl.DataFrame(rows, schema=FILLS_SCHEMA, orient="row").sort("session", "at", "fill_id"))


@dataclass(frozen=True, kw_only=True)
class SentIntent:
    """What became of an intent when it was sent."""

    intent: OrderIntent
    state: str
    reason: str | None
    order: BrokerOrder | None


def orders_frame(session: date, sent: Iterable[SentIntent], known: Identities | None = None) -> pl.DataFrame:
    """The contract `Orders`; `known` says who bears which ticker."""
    known = known or _no_changes()
    rows = [
        (
            session,
            one.intent.client_order_id,
            one.intent.symbol,
            known.of(one.intent.symbol, session),
            str(one.intent.leg),
            str(one.intent.side),
            float(one.intent.quantity),
            str(one.intent.kind),
            one.state,
            one.reason,
            one.order.broker_order_id if one.order else None,
            one.order.submitted_at if one.order else None,
        )
        for one in sent
    ]
    return Orders.validate(pl.DataFrame(rows, schema=ORDERS_SCHEMA, orient="row").sort("session", "client_order_id"))


def _no_changes() -> Identities:
    return Identities(NAME_CHANGES_SCHEMA.to_frame())  # not at import: a process that is forked from one that has computed hangs
