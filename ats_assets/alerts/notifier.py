"""What takes an alert to people: one route's way out.

A notifier is one module of `alerts/notifiers/`, or one's own, with an object `PLUGIN`. Its `make` is called with its own settings, the route's name in `alerts.routes`, and
the folder `storage.data`. Which alerts a route gets, how often, and what is tried again is the same for all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ats_assets.alerts.alert import Severity


@dataclass(frozen=True, kw_only=True)
class Message:
    """One alert on its way to one route; its texts hold no secret.

    Attributes
    ----------
    at
        When it was admitted, in UTC: the same when it is tried again.
    """

    severity: Severity
    title: str
    text: str
    at: datetime


class Notifier(Protocol):
    """One route's way out."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables that it needs; their values are hidden wherever a text leaves the process."""
        ...

    def deliver(self, message: Message) -> str | None:
        """Send a message, within some seconds. None where it was taken, else what is wrong, without any secret: it is tried again later."""
        ...
