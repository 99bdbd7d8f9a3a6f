"""What an executor works with while it holds the lease: broker, trade state, clock, timeouts and alerts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.execution.broker import Broker
from ats_assets.execution.clock import Clock
from ats_assets.execution.lease import Lease
from ats_assets.execution.names import IdentityLookup, NameChanges, no_name_changes
from ats_assets.execution.share_splits import Splits
from ats_assets.execution.state import Author
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets.trade_state.kill_switch import KillSwitch


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait, and how often to try again.

    Attributes
    ----------
    settling_seconds
        After a request whose outcome is unknown: only this much later is a broker believed that says it has no such order, since the request may still be under way.
    pause_seconds
        The longest time between the write-ahead and the request. If it took longer, the process was suspended in between, and nothing is sent.
    lease_seconds
        Until the lease of an executor that no longer renews it expires.
    lease_wait_seconds
        How long to wait for another executor to release the lease.
    retry_seconds, retries
        Time between readings of what the broker may not show yet, and the number of readings.
    attempts
        How often to try to send one order, within one execution.
    """

    settling_seconds: float = 30.0
    pause_seconds: float = 10.0
    lease_seconds: float = 120.0
    lease_wait_seconds: float = 180.0
    retry_seconds: float = 2.0
    retries: int = 5
    attempts: int = 3


def utc_day(at: datetime) -> date:
    """The day of an instant in UTC: the session, where sessions do not cross midnight there."""
    return at.astimezone(UTC).date()


@dataclass(frozen=True, kw_only=True)
class ExecutionContext:
    """What the steps of an execution share, while one executor holds the lease."""

    broker: Broker
    state: TradeState
    settings: OrdersSettings
    kill_switch: KillSwitch
    lease: Lease
    clock: Clock
    alert: AlertSink
    timeouts: Timeouts
    session_of: Callable[[datetime], date]
    name_changes: NameChanges = no_name_changes
    identities: IdentityLookup | None = None
    """None: a ticker is an instrument."""
    splits: Splits | None = None
    """None: there are none, or the broker keeps orders from crossing them by itself."""

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, Author]]:
        """A transaction that is committed only if the lease is still held."""
        with self.state.begin() as connection:
            self.lease.confirm(connection)
            yield connection, Author(who=self.lease.holder, now=self.clock.now())

    def tell(self, severity: Severity, key: str, title: str, text: str) -> None:
        """Alert a person."""
        self.alert(Alert(key=key, severity=severity, title=title, text=text, at=self.clock.now()))
