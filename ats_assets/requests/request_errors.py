"""How a request is refused before anybody takes it up."""

from ats_assets.errors import AtsError


class RequestError(AtsError):
    """It can't be asked for, or confirmed, like that."""


class UnknownKindError(RequestError):
    """There is no such kind of request."""


class BodyRefusedError(RequestError):
    """What it is about is missing, too much, or out of range."""


class NotAllowedError(RequestError):
    """The role does not suffice, or it is somebody else's request."""


class IdempotencyConflictError(RequestError):
    """Something else was asked for under the same idempotency key."""


class TooManyRequestsError(RequestError):
    """The key has as many open requests as it may have."""


class UnknownRequestError(RequestError):
    """There is no request of that id."""


class ConfirmationError(RequestError):
    """The nonce is another one, or was used already."""


class RequestExpiredError(RequestError):
    """It was not confirmed in time."""
