"""One HTTP request and the whole of its answer: what is sent, what is read, for how long, and whether a failed request was sent."""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from ats_assets.vendors.credentials import Scrubber
from ats_assets.vendors.errors import VendorAnswerLostError, VendorError, VendorUnreachableError

_READ_BYTES = 1 << 16
_SAVE_BYTES = 1 << 20
_LONGEST_KEY = 1 << 13
"""Bytes, escaped in any way."""


class Wire:
    """Sends GETs over connections that are kept. Safe for several threads.

    Parameters
    ----------
    base_url
        A server on this machine is asked directly, whatever proxy the environment names.
    timeout_seconds
        Of the connection, each read, and the whole body where it is read into memory.
    """

    def __init__(self, base_url: str, *, timeout_seconds: float) -> None:
        self.host = urlsplit(base_url).netloc
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = urlsplit(base_url).hostname not in {"127.0.0.1", "localhost", "::1"}

    def get(
        self, url: str, headers: Mapping[str, str], file: Path | None = None, scrubber: Scrubber | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of whatever is answered. It follows no redirection.

        Parameters
        ----------
        file
            Where the body of a success is put, as it is sent; it is there once it is whole.
        scrubber
            Knows the keys, for a file: one that repeats a key is not kept.

        Raises
        ------
        VendorUnreachableError
            If nothing was sent.
        VendorAnswerLostError
            If there is no whole answer.
        """
        encoding = {"Accept-Encoding": "identity"} if file else {}
        prepared = requests.Request("GET", url, headers={"Accept-Encoding": "gzip", **headers, **encoding}).prepare()
        how = self._session.merge_environment_settings(url, {}, None, None, None) | {"stream": True}
        try:
            response = self._session.send(prepared, timeout=self._timeout_seconds, allow_redirects=False, **how)
        except requests.RequestException as error:
            raise self._no_answer(error) from None
        try:
            if file is not None and 200 <= response.status_code < 300:
                save_whole(response, file, scrubber or Scrubber([]))
                content = b""
            else:
                content = read_whole(response, self._timeout_seconds)
        except HTTPError as error:
            raise VendorAnswerLostError(f"the answer broke off ({error_kind(error)})") from None
        except OSError as error:
            if error.filename or error.errno in _OF_DISKS:
                raise VendorError(f"{file} can't be written ({error.strerror}): make room, or name another place") from None
            raise VendorAnswerLostError(f"the answer broke off ({error_kind(error)})") from None
        return response.status_code, response.headers, content

    def _no_answer(self, error: requests.RequestException) -> VendorError:
        if was_never_sent(error):
            return VendorUnreachableError(f"no connection ({error_kind(error)})")
        if isinstance(error, requests.Timeout):
            return VendorAnswerLostError(f"no answer within {self._timeout_seconds:g} seconds")
        return VendorAnswerLostError(f"the connection broke before an answer came ({error_kind(error)})")


_OF_DISKS = frozenset({28, 30, 122})
"""No space, read-only, over the quota."""


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


def save_whole(response: requests.Response, file: Path, scrubber: Scrubber) -> None:
    """Put the body into a file, which is there once all of it has come.

    Raises
    ------
    HTTPError (of urllib3), OSError
        If it breaks off, or can't be written.
    VendorError
        If it repeats a key, which must not be stored.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            before = b""
            while content := response.raw.read(_SAVE_BYTES, decode_content=False):
                if scrubber.shows(before + content):
                    raise VendorError("the file repeats the key, so it is not kept: tell the vendor, and exchange the key")
                out.write(content)
                before = content[-_LONGEST_KEY:]
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    finally:
        response.close()
        part.unlink(missing_ok=True)


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
