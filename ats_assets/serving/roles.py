"""Who may do what: a role includes those before it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a route needs, and what a key has.

    Examples
    --------
    >>> Role.TRADE.includes(Role.READ), Role.READ.includes(Role.TRADE)
    (True, False)
    """

    PUBLIC = "public"
    """Needs no key."""
    READ = "read"
    TRADE = "trade"
    """May also ask for what changes trading."""
    ADMIN = "admin"
    """May also ask for promotions, and what else changes the system."""

    def includes(self, needed: "Role") -> bool:
        """Whether who has this role may do what needs the other."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


KEY_ROLES = (Role.READ, Role.TRADE, Role.ADMIN)
"""Those that a key can have."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes
    ----------
    name
        Of the key; "this machine" where reading is open and no key was shown, "" for nobody.
    key_id
        The public part of the key; empty without one.
    speaks_for_others
        Whether it may say on whose behalf it asks (bots).
    session
        The token of a browser's session, where the cookie has shown who it is: what it writes needs a CSRF token.
    address
        From where.
    """

    name: str
    role: Role
    key_id: str = ""
    speaks_for_others: bool = False
    session: str = ""
    address: str = ""


NOBODY = Caller(name="", role=Role.PUBLIC)
OPEN = Caller(name="this machine", role=Role.READ)
"""Who asks on a loopback address, as long as no key has been made and settings leave reading open."""
