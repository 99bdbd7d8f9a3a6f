"""The time of a day that is played again."""

from datetime import datetime


class SimulatedClock:
    """Time that events bring on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The simulated time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Nothing is waited for: the next event moves the clock."""

    def move(self, at: datetime) -> None:
        """Forward, never back."""
        self.at = max(self.at, at)
