"""Alerts to people: admitted once, delivered to each route that wants them, tried again where that fails."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Engine, StaticPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from ats_assets.alerts.alert import Alert, Severity
from ats_assets.alerts.choosing import notifiers as notifiers_of
from ats_assets.alerts.ledger import Admission, AlertDelivery, AlertLedger
from ats_assets.alerts.notifier import Message, Notifier
from ats_assets.errors import AtsError
from ats_assets.secrecy import hold_secret, redacted
from ats_assets.settings import AlertsSettings

RECONNECT_SECONDS = 60.0
"""Pause before a database that failed is tried again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AlertResult:
    """What became of an alert, by route.

    Attributes
    ----------
    repeated
        The same key was sent less than `alerts.repeat_after_seconds` ago, so nothing was sent now.
    delivered, failed, later, held
        Routes: taken; not taken, with the reason, and tried again; to be tried later, since the route failed a moment ago; over the route's limit.
    """

    repeated: bool = False
    delivered: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


class Alerts:
    """Sends alerts. Nothing that goes wrong in here is raised: it is logged, without an address.

    Parameters
    ----------
    connect
        Makes the engine of the database that all processes share. While it fails, this process remembers for itself alone.
    clock
        Seconds since 1970, UTC.
    notifiers
        Of each route; default: those of the settings that come with the package.
    """

    def __init__(
        self,
        settings: AlertsSettings,
        connect: Callable[[], Engine],
        *,
        clock: Callable[[], float] = time.time,
        notifiers: Mapping[str, Notifier] | None = None,
    ) -> None:
        self.settings = settings
        self._connect = connect
        self._clock = clock
        self._lock = threading.RLock()
        self._shared: AlertLedger | None = None
        self._own: AlertLedger | None = None
        self._connect_at = 0.0
        self._notifiers = notifiers_of(settings) if notifiers is None else notifiers
        hold_secret(*(name for notifier in self._notifiers.values() for name in notifier.secrets))

    def send(self, alert: Alert) -> AlertResult:
        """Log the alert, and send it to the routes that want its severity, unless the same was sent lately. Never raises."""
        clean = replace(alert, key=_plain_key(alert.key), title=redacted(alert.title), text=redacted(alert.text))
        level = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}[clean.severity]
        logger.log(level, "%s: %s", clean.title, clean.text)
        if not self.settings.routes:
            return AlertResult()
        try:
            with self._lock:
                return self._send(clean)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the caller, who may be trading
            logger.error("an alert could not be sent (%s): %s", redacted(f"{type(error).__name__}: {error}"), clean.title)  # noqa: TRY400
            return AlertResult(failed=dict.fromkeys(self.settings.routes, "see the log"))

    def send_waiting(self) -> int:
        """Try again what failed before, and tell what was held back; how many were delivered. Never raises."""
        delivered = 0
        try:
            with self._lock:
                for ledger in filter(None, [self._shared_ledger(), self._own]):
                    waiting = ledger.due(self.settings.routes, self._clock())
                    delivered += [self._deliver(ledger, delivery) for delivery in waiting].count(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the caller, who may be trading
            logger.error("waiting alerts could not be sent: %s", redacted(f"{type(error).__name__}: {error}"))  # noqa: TRY400
        return delivered

    def _send(self, alert: Alert) -> AlertResult:
        ledger, admission = self._admit(alert)
        sent = AlertResult(repeated=admission.repeated, later=admission.later, held=admission.held)
        for delivery in admission.now:
            fault = self._deliver(ledger, delivery)
            if fault is None:
                sent.delivered.append(delivery.route)
            else:
                sent.failed[delivery.route] = fault
        return sent

    def _admit(self, alert: Alert) -> tuple[AlertLedger, Admission]:
        shared = self._shared_ledger()
        if shared is not None:
            try:
                return shared, shared.admit(alert, self.settings, self._clock())
            except (SQLAlchemyError, AtsError) as error:
                self._shared_fails(error)
        if self._own is None:
            self._own = AlertLedger(create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}))
        return self._own, self._own.admit(alert, self.settings, self._clock())

    def _shared_ledger(self) -> AlertLedger | None:
        if self._shared is None and self._clock() >= self._connect_at:
            try:
                self._shared = AlertLedger(self._connect())
            except (SQLAlchemyError, AtsError) as error:
                self._shared_fails(error)
        return self._shared

    def _shared_fails(self, error: Exception) -> None:
        self._connect_at = self._clock() + RECONNECT_SECONDS
        self._shared = None
        logger.warning("the record of alerts can't be used, so other processes may send the same ones: %s", redacted(str(error)))

    def _deliver(self, ledger: AlertLedger, delivery: AlertDelivery) -> str | None:
        """Send it and record what came of it; None where it was taken, else what is wrong."""
        try:
            at = datetime.fromtimestamp(delivery.created_at, UTC)
            message = Message(severity=delivery.severity, title=delivery.title, text=delivery.text, at=at)
            fault = self._notifiers[delivery.route].deliver(message)
            fault = None if fault is None else redacted(fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the caller, who may be trading
            fault = redacted(f"{type(error).__name__}: {error}")
        again = True
        try:
            if fault is None:
                ledger.sent(delivery)
            else:
                again = ledger.failed(delivery, self._clock())
        except (SQLAlchemyError, AtsError) as error:
            logger.warning("what became of an alert could not be recorded: %s", redacted(str(error)))
        if fault is not None:
            later = "it is tried again later" if again else "it is given up"
            logger.error("alert over %s failed (%s), %s: %s", delivery.route, fault, later, delivery.title)
        return fault


def _plain_key(key: str) -> str:
    """The key by which the same alert is known again. One with a secret in it is told from all others by its hash, as well."""
    return key if redacted(key) == key else hashlib.sha256(key.encode()).hexdigest()
