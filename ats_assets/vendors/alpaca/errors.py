"""How a request to Alpaca fails. Which of these it was decides what may be done next: above all whether an order may have arrived."""

from ats_assets.errors import SourceError


class AlpacaError(SourceError):
    """A request to Alpaca failed. Its message and attributes hold no key."""


class AlpacaUnreachableError(AlpacaError):
    """Nothing was sent: no connection could be made."""


class AlpacaRateLimitError(AlpacaError):
    """Turned away before it was read (429): nothing was done."""


class AlpacaAnswerLostError(AlpacaError):
    """Sent, but there is no answer that can be believed (cut, late, 5xx, not JSON): it may or may not have been carried out."""


class AlpacaRefusedError(AlpacaError):
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
        super().__init__(message)
        self.status = status
        self.code = code
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """So that it survives a pickle: keyword arguments are not among an exception's own."""
        return _refused, (str(self), self.status, self.code, self.reason)


class AlpacaKeysError(AlpacaRefusedError):
    """The keys are missing, wrong, expired, or not allowed to do this (401, 403)."""

    def __reduce__(self) -> tuple[object, ...]:
        """See `AlpacaRefusedError`."""
        return _keys_refused, (str(self), self.status, self.code, self.reason)


def _refused(message: str, status: int, code: int | None, reason: str) -> AlpacaRefusedError:
    return AlpacaRefusedError(message, status=status, code=code, reason=reason)


def _keys_refused(message: str, status: int, code: int | None, reason: str) -> AlpacaKeysError:
    return AlpacaKeysError(message, status=status, code=code, reason=reason)
