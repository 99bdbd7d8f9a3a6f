"""How a request to Alpaca fails. Which of these it was decides what may be done next: above all whether an order may have arrived."""

from ats_assets.vendors.errors import (
    VendorAnswerLostError,
    VendorError,
    VendorKeysError,
    VendorRateLimitError,
    VendorRefusedError,
    VendorUnreachableError,
)


class AlpacaError(VendorError):
    """A request to Alpaca failed. Its message and attributes hold no key."""


class AlpacaUnreachableError(AlpacaError, VendorUnreachableError):
    """Nothing was sent: no connection could be made, or Alpaca is left alone for a while."""


class AlpacaRateLimitError(AlpacaError, VendorRateLimitError):
    """Turned away before it was read (429): nothing was done."""


class AlpacaAnswerLostError(AlpacaError, VendorAnswerLostError):
    """Sent, but there is no answer that can be believed (cut, late, 5xx, not JSON): it may or may not have been carried out."""


class AlpacaRefusedError(AlpacaError, VendorRefusedError):
    """Read and refused (3xx or 4xx): it was not carried out.

    Attributes
    ----------
    status
        HTTP status.
    code
        Alpaca's own number of the error, where it gives one (40410000: not found).
    reason
        Alpaca's message.
    """

    def __init__(self, message: str, *, status: int, code: int | None, reason: str) -> None:
        super().__init__(message, status=status, reason=reason)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """So that it survives a pickle: keyword arguments are not among an exception's own."""
        return _refused_again, (type(self), str(self), self.status, self.code, self.reason)


class AlpacaKeysError(AlpacaRefusedError, VendorKeysError):
    """The keys are missing, wrong, expired, or not allowed to do this (401, 403)."""


def _refused_again(kind: type[AlpacaRefusedError], message: str, status: int, code: int | None, reason: str) -> AlpacaRefusedError:
    return kind(message, status=status, code=code, reason=reason)
