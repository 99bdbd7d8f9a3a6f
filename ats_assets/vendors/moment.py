"""A time by both clocks: the one that is shown, which people set, and the one that waits are counted by."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

MICROSECONDS = 1_000_000
"""A second."""


@dataclass(frozen=True)
class Moment:
    """Now.

    Attributes
    ----------
    steady
        Seconds of a clock that all processes of a machine share and that never goes back; it starts anew with the machine.
    micros
        Microseconds since 1970.
    """

    steady: float
    micros: int


def time_of_day() -> datetime:
    """As this machine has it, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clocks:
    """Where a moment comes from, and how to wait; other ones in tests."""

    steady: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = time_of_day
    sleep: Callable[[float], None] = time.sleep

    def moment(self) -> Moment:
        """Now."""
        return Moment(self.steady(), in_micros(self.now()))


def in_micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return round(at.timestamp() * MICROSECONDS)
