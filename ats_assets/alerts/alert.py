"""What an alert is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How much an alert matters; a route gets its own severity and what lies above."""

    INFO = "info"
    """Something happened as it should: a fill."""
    WARNING = "warning"
    """Somebody should look: a reject, late data, a check that warns."""
    CRITICAL = "critical"
    """Trading has stopped, or must be stopped. Never held back by a route's limit."""

    @property
    def rank(self) -> int:
        """0 for info, 2 for critical."""
        return list(Severity).index(self)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that people should hear of.

    Attributes
    ----------
    key
        What it is about, such as `reject:main-20240105-AAPL-open`. The same key is not sent again within `alerts.repeat_after_seconds`.
    title
        One line.
    text
        What is wrong, where, and what to do.
    at
        When it happened, with a time zone.
    """

    key: str
    severity: Severity
    title: str
    text: str
    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"alert {self.key!r}: {self.at} has no time zone")


AlertSink = Callable[[Alert], object]
"""Whom to tell. It raises nothing, and it is called outside of transactions only."""
