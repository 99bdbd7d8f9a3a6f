"""Something that is followed: whether it has changed, whether it can be read, and when it is tried again."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from ats_assets.errors import AtsError
from ats_assets.secrecy import redacted
from ats_assets.serving.stream.change_probe import ProbeError

T = TypeVar("T")
UNREADABLE = "unreadable"
FIRST_RETRY, LAST_RETRY = 0.1, 2.0
"""Seconds until what can't be read is tried again: the pause doubles."""


@dataclass(kw_only=True)
class FollowedSource:
    """One row of the topic `feed`.

    Attributes
    ----------
    state
        "ok", "unreadable", or what the source itself says of it.
    since
        When that began.
    """

    key: str
    state: str = "ok"
    reason: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    _stamp: Hashable = ()
    _retry_at: float = 0.0
    _pause: float = FIRST_RETRY

    def read(self, stamp: Callable[[], Hashable], read: Callable[[], T]) -> T | None:
        """What there is to read, if that is another than before; None where it is not, or can't be read now.

        Parameters
        ----------
        stamp
            Another value once there is something to read. It is taken first: what is committed meanwhile is read again.
        read
            Reads it; what it raises is told.
        """
        if time.monotonic() < self._retry_at:
            return None
        try:
            found = stamp()
            if found == self._stamp:
                return None
            made = read()
        except (AtsError, ProbeError, OSError) as error:
            self.failed(str(error))
            return None
        self._stamp, self._retry_at, self._pause = found, 0.0, FIRST_RETRY
        if self.state == UNREADABLE:
            self.told("ok")
        return made

    def failed(self, reason: str) -> None:
        """It can't be read; the next time it is, whatever its stamp says."""
        self._stamp = ()
        self._retry_at, self._pause = time.monotonic() + self._pause, min(LAST_RETRY, self._pause * 2)
        self.told(UNREADABLE, redacted(reason))

    def told(self, state: str, reason: str = "") -> None:
        """How it stands."""
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason, self.since = state, reason, datetime.now(UTC)

    @property
    def row(self) -> dict[str, Any]:
        """Its row."""
        return {"key": self.key, "state": self.state, "since": self.since, "reason": self.reason}
