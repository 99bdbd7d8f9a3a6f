"""What is remembered of alerts, in a database that all processes share: which keys were sent when, what is still to be delivered, what was held back.

An alert is admitted in one transaction, which decides whether it repeats an earlier one and queues a delivery for each route. A delivery is claimed for
a time by the process that sends it; if that process dies, another one sends it when the claim has run out. So an alert may come twice after a crash, and
is never lost.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, RowMapping, func, select, text

from ats_assets.alerts.alert import Alert, Severity
from ats_assets.alerts.tables import deliveries, keys, metadata, routes
from ats_assets.settings import AlertsSettings

HOUR = 3600.0
CLAIM_SECONDS = 90.0
"""Longer than a delivery takes."""
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 60.0, 3600.0
GIVE_UP_SECONDS = 24 * HOUR
KEPT_SECONDS = 7 * 24 * HOUR
"""How long delivered alerts and keys stay."""
_LOCK = 0x414C5254  # of PostgreSQL; any number that nobody else takes


@dataclass(frozen=True, kw_only=True)
class AlertDelivery:
    """One alert for one route, claimed by this process."""

    id: int
    route: str
    severity: Severity
    title: str
    text: str
    attempts: int
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What became of an alert: repeated, or for each route to be delivered now, later (the route fails), or held back (over its limit)."""

    repeated: bool = False
    now: list[AlertDelivery] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


class AlertLedger:
    """The record of alerts in a database.

    Parameters
    ----------
    engine
        On SQLite its transactions must take the write lock when they begin.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.begin() as connection:
            _alone(connection)
            metadata.create_all(connection)

    def admit(self, alert: Alert, settings: AlertsSettings, now: float) -> Admission:
        """Decide on an alert and queue its deliveries."""
        with self._engine.begin() as connection:
            _alone(connection)
            if _is_repeat(connection, alert, settings, now):
                return Admission(repeated=True)
            admission = Admission()
            for route, wanted in settings.routes.items():
                if alert.severity.rank >= Severity(wanted.severity).rank:
                    _queue(connection, alert, route, settings.max_per_hour, now=now, admission=admission)
            return admission

    def due(self, wanted: Collection[str], now: float) -> list[AlertDelivery]:
        """Claim what is to be sent now: what failed before, what a dead process left, and word of what was held back."""
        with self._engine.begin() as connection:
            _alone(connection)
            connection.execute(deliveries.delete().where(deliveries.c.state != "pending", deliveries.c.created_at < now - KEPT_SECONDS))
            connection.execute(keys.delete().where(keys.c.sent_at < now - KEPT_SECONDS))
            told = [
                _insert(connection, row.route, _word_of_held(row.held, row.held_title), now, now + CLAIM_SECONDS)
                for row in connection.execute(select(routes).where(routes.c.held > 0, routes.c.held_since <= now - HOUR)).all()
                if row.route in wanted
            ]
            for delivery in told:
                _change_route(connection, delivery.route, held=0)
            mine = {delivery.id for delivery in told}
            waiting = select(deliveries).where(deliveries.c.state == "pending", deliveries.c.next_at <= now).order_by(deliveries.c.id)
            rows = [row for row in connection.execute(waiting).all() if row.route in wanted and row.id not in mine]
            for row in rows:
                connection.execute(deliveries.update().where(deliveries.c.id == row.id).values(next_at=now + CLAIM_SECONDS))
            return told + [_delivery(row) for row in rows]

    def sent(self, delivery: AlertDelivery) -> None:
        """The delivery has arrived; its route works."""
        with self._engine.begin() as connection:
            done = deliveries.update().where(deliveries.c.id == delivery.id)
            connection.execute(done.values(state="sent", attempts=delivery.attempts + 1))
            _change_route(connection, delivery.route, failing_until=0.0)

    def failed(self, delivery: AlertDelivery, now: float) -> bool:
        """The delivery has failed: try it later. False where it is given up for its age."""
        wait = min(FIRST_RETRY_SECONDS * 2**delivery.attempts, LAST_RETRY_SECONDS)
        given_up = now + wait - delivery.created_at > GIVE_UP_SECONDS
        with self._engine.begin() as connection:
            tried = deliveries.update().where(deliveries.c.id == delivery.id)
            state = "given_up" if given_up else "pending"
            connection.execute(tried.values(state=state, attempts=delivery.attempts + 1, next_at=now + wait))
            _change_route(connection, delivery.route, failing_until=now + FIRST_RETRY_SECONDS)
        return not given_up


def _alone(connection: Connection) -> None:
    """Wait for other processes' transactions on alerts; SQLite's own begin does so."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _is_repeat(connection: Connection, alert: Alert, settings: AlertsSettings, now: float) -> bool:
    """Whether the same key was sent lately, as severe as now; else it is recorded as sent now."""
    found = connection.execute(select(keys).where(keys.c.key == alert.key)).one_or_none()
    values = {"severity": alert.severity.rank, "sent_at": now, "repeats": 0}
    if found is None:
        connection.execute(keys.insert().values(key=alert.key, **values))
        return False
    this = keys.update().where(keys.c.key == alert.key)
    if alert.severity.rank <= found.severity and now < found.sent_at + settings.repeat_after_seconds:
        connection.execute(this.values(repeats=found.repeats + 1))
        return True
    connection.execute(this.values(**values))
    return False


def _queue(connection: Connection, alert: Alert, route: str, max_per_hour: int, *, now: float, admission: Admission) -> None:
    """Queue an alert for a route, or hold it back, and say which in the admission."""
    of_route = _route(connection, route)
    urgent = alert.severity is Severity.CRITICAL
    lately = select(func.count()).select_from(deliveries).where(deliveries.c.route == route, deliveries.c.created_at > now - HOUR)
    if not urgent and connection.execute(lately).scalar_one() >= max_per_hour:
        since = of_route["held_since"] if of_route["held"] else now
        _change_route(connection, route, held=of_route["held"] + 1, held_since=since, held_title=alert.title)
        admission.held.append(route)
    elif of_route["failing_until"] > now and not urgent:
        _insert(connection, route, alert, now, of_route["failing_until"])
        admission.later.append(route)
    else:
        admission.now.append(_insert(connection, route, alert, now, now + CLAIM_SECONDS))


def _route(connection: Connection, route: str) -> RowMapping:
    wanted = select(routes).where(routes.c.route == route)
    found = connection.execute(wanted).mappings().one_or_none()
    if found is not None:
        return found
    connection.execute(routes.insert().values(route=route, held=0, held_since=0.0, held_title="", failing_until=0.0))
    return connection.execute(wanted).mappings().one()


def _change_route(connection: Connection, route: str, **values: object) -> None:
    _route(connection, route)
    connection.execute(routes.update().where(routes.c.route == route).values(**values))


@dataclass(frozen=True, kw_only=True)
class _Words:
    key: str
    severity: Severity
    title: str
    text: str


def _word_of_held(count: int, newest: str) -> _Words:
    noun = "alert was" if count == 1 else "alerts were"
    text = (
        f"More than alerts.max_per_hour came, so that {count} {noun} not sent; the newest: {newest}. The logs and the UI have all of them."
    )
    return _Words(key="held", severity=Severity.WARNING, title=f"{count} {noun} held back", text=text)


def _insert(connection: Connection, route: str, what: Alert | _Words, now: float, next_at: float) -> AlertDelivery:
    values = {"route": route, "key": what.key, "severity": str(what.severity), "title": what.title, "text": what.text}
    made = connection.execute(
        deliveries.insert().values(**values, state="pending", attempts=0, created_at=now, next_at=next_at).returning(deliveries)
    )
    return _delivery(made.one())


def _delivery(row: Row[Any]) -> AlertDelivery:
    return AlertDelivery(
        id=row.id,
        route=row.route,
        severity=Severity(row.severity),
        title=row.title,
        text=row.text,
        attempts=row.attempts,
        created_at=row.created_at,
    )
