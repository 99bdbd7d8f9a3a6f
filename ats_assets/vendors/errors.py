"""How a request to a vendor fails. Which of these it was decides what may be done next: ask again, ask another vendor, or ask a person.

Their messages and attributes name the vendor and the path, and hold no key, whatever the vendor's answer repeats.
"""

from typing import ClassVar

from ats_assets.errors import SourceError


class VendorError(SourceError):
    """A request to a vendor failed, or its answers contradict each other."""

    outcome: ClassVar[str] = "failed"
    """How the audit log calls it."""


class VendorUnreachableError(VendorError):
    """Nothing was sent: no connection could be made."""

    outcome = "unreachable"


class VendorPausedError(VendorUnreachableError):
    """Nothing was sent: the vendor failed so often that it is left alone for a while (the circuit breaker is open)."""


class VendorRateLimitError(VendorError):
    """Turned away before it was read (429), or not sent since the budget of requests is used up."""

    outcome = "rate limit"


class VendorAnswerLostError(VendorError):
    """Sent, but there is no answer that can be believed: cut, late, 5xx, not JSON, or fewer rows than it says."""

    outcome = "lost"


class VendorPagesError(VendorError):
    """The pages of one listing contradict each other: one came twice, or they lead back, or elsewhere, or never end. No row of them can be trusted."""


class VendorRefusedError(VendorError):
    """Read and refused (3xx or 4xx).

    Attributes
    ----------
    status
        HTTP status.
    reason
        The vendor's message.
    """

    outcome = "refused"

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    def worded(self, message: str) -> "VendorRefusedError":
        """The same refusal with another message, which says what may be done."""
        return type(self)(message, status=self.status, reason=self.reason)

    def __reduce__(self) -> tuple[object, ...]:
        """So that it survives a pickle: keyword arguments are not among an exception's own."""
        return _again, (type(self), str(self), self.status, self.reason)


class VendorKeysError(VendorRefusedError):
    """Every key that there is, is refused (401, of S3 servers 403 with such a code)."""

    outcome = "keys refused"


def _again(kind: type[VendorRefusedError], message: str, status: int, reason: str) -> VendorRefusedError:
    return kind(message, status=status, reason=reason)
