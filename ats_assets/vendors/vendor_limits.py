"""How much may be asked of a vendor: so many units within any stretch of so many seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `units` within any `seconds` seconds; a request is one unit, unless the vendor weighs it otherwise."""

    units: int
    seconds: float


@dataclass(frozen=True)
class VendorLimits:
    """All limits of a vendor at once; none: it says none.

    Examples
    --------
    >>> VendorLimits.per_minute(5)
    VendorLimits(limits=(Limit(units=5, seconds=60.0),))
    """

    limits: tuple[Limit, ...] = ()

    @classmethod
    def per_minute(cls, requests: int) -> "VendorLimits":
        """Requests within any minute."""
        return cls((Limit(requests, 60.0),))

    @classmethod
    def per_second(cls, requests: int) -> "VendorLimits":
        """Requests within any second."""
        return cls((Limit(requests, 1.0),))


NO_LIMITS = VendorLimits()
