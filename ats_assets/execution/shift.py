"""What an executor works with while it holds the lease: the broker, the records, the clock and whom to alert."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ats_assets.alerts import Alert, Severity
from ats_assets.execution.broker import Broker
from ats_assets.execution.clock import Clock
from ats_assets.execution.kill_switch import KillSwitch
from ats_assets.execution.lease import Lease
from ats_assets.execution.names import NameChanges, WhoIsWho, no_name_changes
from ats_assets.execution.state import Author
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState

if TYPE_CHECKING:
    from ats_assets.execution.splits import Splits

AlertSink = Callable[[Alert], object]
"""Whom to tell. It raises nothing, and it is called outside of transactions only."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited for what.

    Attributes
    ----------
    settling_seconds
        After a request whose outcome is unknown, a broker that says it has no such order is believed only so much later: the request may be on its way still.
    pause_seconds
        Between the write-ahead and the request; longer means that the process was stopped in between, and nothing is sent.
    lease_seconds
        Until the place of an executor that shows no life is free.
    lease_wait_seconds
        For another executor to end.
    retry_seconds, retries
        Between readings of what the broker may not show yet, and their number.
    attempts
        To send one order, in one execution.
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
class Shift:
    """The time in which one executor holds the lease."""

    broker: Broker
    state: TradeState
    settings: OrdersSettings
    kill_switch: KillSwitch
    lease: Lease
    clock: Clock
    alert: AlertSink
    patience: Patience
    session_of: Callable[[datetime], date]
    name_changes: NameChanges = no_name_changes
    identities: WhoIsWho | None = None
    """None: a ticker is an instrument."""
    splits: "Splits | None" = None
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
