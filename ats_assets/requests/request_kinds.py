"""The kinds of requests: who may ask, whether it is confirmed, and what it is about. One table for the service, the bots and the desk."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from ats_assets.requests.request_bodies import (
    CancelOrderBody,
    HaltBody,
    PlaceOrderBody,
    PromoteBody,
    RequestBody,
    ResumeBody,
    RollbackBody,
)

Role = Literal["read", "trade", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""The later one may do all that an earlier one may."""


class RequestKind(StrEnum):
    """What can be asked for."""

    HALT = "halt"
    RESUME = "resume"
    PLACE_ORDER = "place_order"
    CANCEL_ORDER = "cancel_order"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, kw_only=True)
class KindTerms:
    """What holds for a kind.

    Attributes
    ----------
    role
        The least that may ask for it.
    confirmed
        Whether it needs a second step: the nonce that the answer to the first one holds.
    expires
        Whether it is given up if nobody takes it up. What only makes trading safer waits for as long as it takes.
    body
        What it is about.
    says
        What it does, for people.
    """

    role: Role
    confirmed: bool
    expires: bool
    body: type[RequestBody]
    says: str


KINDS: Mapping[RequestKind, KindTerms] = {
    RequestKind.HALT: KindTerms(
        role="trade",
        confirmed=False,
        expires=False,
        body=HaltBody,
        says="Stops all trading before the next order, until somebody resumes it. Cancels nothing.",
    ),
    RequestKind.RESUME: KindTerms(
        role="trade",
        confirmed=True,
        expires=True,
        body=ResumeBody,
        says="Ends the halts that stood when it was asked for. A difference from the broker that remains halts again.",
    ),
    RequestKind.PLACE_ORDER: KindTerms(
        role="trade",
        confirmed=True,
        expires=True,
        body=PlaceOrderBody,
        says="Sends one order, within orders.limits, on the paper account.",
    ),
    RequestKind.CANCEL_ORDER: KindTerms(
        role="trade", confirmed=True, expires=True, body=CancelOrderBody, says="Asks the broker to cancel one order, on the paper account."
    ),
    RequestKind.PROMOTE: KindTerms(
        role="admin",
        confirmed=True,
        expires=True,
        body=PromoteBody,
        says="Makes a model champion, from the session on that has not closed yet.",
    ),
    RequestKind.ROLLBACK: KindTerms(
        role="admin", confirmed=True, expires=True, body=RollbackBody, says="Makes that model champion again which was it before."
    ),
}


def allows(role: str, needed: Role) -> bool:
    """Whether a role suffices; one that is not known suffices for nothing.

    Examples
    --------
    >>> allows("admin", "trade"), allows("read", "trade"), allows("guest", "read")
    (True, False, False)
    """
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
