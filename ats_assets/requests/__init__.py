"""What people ask for: a row of the trade state that the desk takes up exactly once.

The service writes requests, and reads what became of them; it can send nothing. `ats_assets.execution.request_desk` takes them up.

::

    asked ──nonce──> confirmed ──the desk──> taken ──> done, refused
      │                 │
      └────expires──────┴──> expired

A kind that needs no confirmation is `confirmed` when it is asked for. Each step is a compare-and-set in the caller's transaction, with a line in the audit trail.
"""

from ats_assets.requests.asking_and_confirming import Asker, MadeRequest, confirm_request, make_request
from ats_assets.requests.request_errors import (
    BodyRefusedError,
    ConfirmationError,
    IdempotencyConflictError,
    NotAllowedError,
    RequestError,
    RequestExpiredError,
    TooManyRequestsError,
    UnknownKindError,
    UnknownRequestError,
)
from ats_assets.requests.request_kinds import KINDS, ROLES, RequestKind, Role, allows
from ats_assets.requests.request_rows import OrderOfRequest, Request, RequestState, load_request, order_of_request, requests_page

__all__ = [
    "KINDS",
    "ROLES",
    "Asker",
    "BodyRefusedError",
    "ConfirmationError",
    "IdempotencyConflictError",
    "MadeRequest",
    "NotAllowedError",
    "OrderOfRequest",
    "Request",
    "RequestError",
    "RequestExpiredError",
    "RequestKind",
    "RequestState",
    "Role",
    "TooManyRequestsError",
    "UnknownKindError",
    "UnknownRequestError",
    "allows",
    "confirm_request",
    "load_request",
    "make_request",
    "order_of_request",
    "requests_page",
]
