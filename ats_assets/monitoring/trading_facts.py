"""What the trade state says of trading now, in one snapshot: halts, account, positions, orders by state, who executes, alerts that wait."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, inspect, select

from ats_assets.alerts import tables as alert_tables
from ats_assets.trade_state.tables import account_snapshots, audit, fills, halts, intents, leases, looks, positions

HALT_KINDS: Mapping[str, str] = {
    " and our records differ: ": "reconciliation",
    "breach in the session: ": "breach",
    " is not ours: ": "order",
    " is not what was intended: ": "order",
}
"""What a halt's reason holds -> its kind; any other is `other`, as that of a person."""


@dataclass(frozen=True, kw_only=True)
class OpenHalt:
    """A halt that nobody has cleared."""

    at: datetime
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SettledAccount:
    """The account as it was settled last.

    Attributes
    ----------
    equity_before
        Of the settled session before; None: it is the first one.
    value
        Symbol -> signed value of the position, in the account's currency; of those whose price is known.
    unpriced
        Positions whose price is not known.
    """

    session: date
    at: datetime
    broker: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    trading_blocked: bool
    equity_before: Decimal | None
    value: Mapping[str, Decimal]
    unpriced: int = 0


@dataclass(frozen=True, kw_only=True)
class TradingFacts:
    """See the module's text.

    Attributes
    ----------
    intents
        State -> how many there are, over all of history.
    attended
        When `ats orders watch` has looked last, by strategy.
    executor
        Who holds the lease, and until when.
    waiting_alerts
        Route -> deliveries that were not accepted yet.
    """

    halts: tuple[OpenHalt, ...] = ()
    halts_ever: Mapping[str, int] = field(default_factory=dict)
    account: SettledAccount | None = None
    intents: Mapping[str, int] = field(default_factory=dict)
    fills: int = 0
    last_fill: datetime | None = None
    last_word: datetime | None = None
    executor: tuple[str, datetime] | None = None
    attended: Mapping[str, datetime] = field(default_factory=dict)
    waiting_alerts: Mapping[str, int] = field(default_factory=dict)
    failing_routes: tuple[str, ...] = ()


def trading_facts(connection: Connection, now: datetime) -> TradingFacts:
    """Read it, in the transaction of the caller, which need not write."""
    every = connection.execute(select(halts).order_by(halts.c.id)).all()
    lease = connection.execute(select(leases).where(leases.c.name == "executor", leases.c.holder.is_not(None))).one_or_none()
    ever: dict[str, int] = {}
    for row in every:
        ever[halt_kind(row.reason)] = ever.get(halt_kind(row.reason), 0) + 1
    return TradingFacts(
        halts=tuple(OpenHalt(at=row.at, kind=halt_kind(row.reason), reason=row.reason) for row in every if row.cleared_at is None),
        halts_ever=ever,
        account=_account(connection),
        intents=_counted(connection),
        fills=connection.execute(select(func.count()).select_from(fills)).scalar_one(),
        last_fill=connection.execute(select(func.max(fills.c.at))).scalar_one(),
        last_word=connection.execute(select(audit.c.at).order_by(audit.c.id.desc()).limit(1)).scalar_one_or_none(),
        executor=None if lease is None else (lease.holder, lease.expires_at),
        attended={row.strategy: row.at for row in connection.execute(select(looks.c.strategy, looks.c.at))},
        **_alerts(connection, now),
    )


def halt_kind(reason: str) -> str:
    """Why trading was halted, as one of few words.

    Examples
    --------
    >>> halt_kind("paper and our records differ: cash is 1.00 less")
    'reconciliation'
    >>> halt_kind("closed for the holidays")
    'other'
    """
    return next((kind for sign, kind in HALT_KINDS.items() if sign in reason or reason.startswith(sign)), "other")


def _counted(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(intents.c.state, func.count()).group_by(intents.c.state)).all()
    return {row[0]: row[1] for row in sorted(rows)}


def _account(connection: Connection) -> SettledAccount | None:
    """The newest snapshot of a session; a baseline before any was settled."""
    newest = select(account_snapshots).order_by(account_snapshots.c.id.desc())
    found = connection.execute(newest.limit(2)).all()
    if not found:
        return None
    row = found[0]
    held = connection.execute(select(positions).where(positions.c.snapshot_id == row.id).order_by(positions.c.symbol)).all()
    return SettledAccount(
        session=row.session or row.at.date(),
        at=row.at,
        broker=row.broker,
        equity=row.equity,
        cash=row.cash,
        buying_power=row.buying_power,
        trading_blocked=row.trading_blocked,
        equity_before=found[1].equity if len(found) > 1 else None,
        value={one.symbol: one.quantity * one.price * (one.multiplier or 1) for one in held if one.price is not None},
        unpriced=sum(one.price is None for one in held),
    )


def _alerts(connection: Connection, now: datetime) -> dict[str, Any]:
    """Deliveries that wait, and the routes that fail now; none where no alert was ever sent."""
    if not inspect(connection).has_table(alert_tables.deliveries.name):
        return {}
    kept, of_routes = alert_tables.deliveries, alert_tables.routes
    waiting = connection.execute(select(kept.c.route, func.count()).where(kept.c.state == "pending").group_by(kept.c.route)).all()
    failing = connection.execute(select(of_routes.c.route).where(of_routes.c.failing_until > now.astimezone(UTC).timestamp()))
    return {"waiting_alerts": {row[0]: row[1] for row in waiting}, "failing_routes": tuple(sorted(failing.scalars()))}
