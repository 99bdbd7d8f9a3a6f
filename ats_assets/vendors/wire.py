"""One HTTP request and the whole of its answer: what is read, for how long, and whether a failed request was sent."""

import time

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

_READ_BYTES = 1 << 16


def read_whole(response: requests.Response, timeout_seconds: float) -> bytes:
    """The body, decoded, once all of it has come; the connection is given back.

    Raises
    ------
    HTTPError (of urllib3), OSError
        If it breaks off, ends before the length that was announced, or drips for longer than `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    content = bytearray()
    try:
        # read1 returns what has come, so that a body that drips is noticed
        while part := response.raw.read1(_READ_BYTES, decode_content=True):
            content += part
            if time.monotonic() > deadline:
                raise TimeoutError
    finally:
        response.close()
    return bytes(content)


def was_never_sent(error: requests.RequestException) -> bool:
    """Whether a request that had no answer can't have arrived: no connection came about, or not to whom it was meant for."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    never = isinstance(cause, NewConnectionError | ConnectTimeoutError | NameResolutionError)
    untrusted = isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)
    return never or untrusted or isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError)


def error_kind(error: Exception) -> str:
    """The error's name alone: its text may hold a URL, its arguments the request with its headers."""
    return type(error).__name__
