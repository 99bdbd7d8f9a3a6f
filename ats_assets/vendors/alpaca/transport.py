"""What makes alpaca-py's clients reliable, below them: an adapter on their `requests` session.

1. The keys are put in here, on the way out, so that no client, request or response object above holds them.
2. Each request has a time limit, for the connection, each read, and the whole answer.
3. The body is read and understood here: an answer that is cut, truncated or not JSON counts as none, and no half page gets any further.
4. A request that changes nothing (GET) is repeated after no answer, 429 and 5xx, with waits; any other is sent once, and never again.
5. What fails is one of the errors of `errors.py`. They are raised without a cause, since the library's exceptions carry the request with its headers.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from ats_assets.vendors.alpaca.alpaca_keys import KEY_ID, SECRET_KEY, Credentials
from ats_assets.vendors.alpaca.errors import (
    AlpacaAnswerLostError,
    AlpacaError,
    AlpacaKeysError,
    AlpacaRateLimitError,
    AlpacaRefusedError,
    AlpacaUnreachableError,
)
from ats_assets.vendors.alpaca.paging import PageWatch
from ats_assets.vendors.backoff import Backoff, http_date

PLACEHOLDER = "(put in by the transport)"
"""What the clients hold in place of a key."""
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class _Failed:
    """An attempt that may be worth another: the error to raise in the end, and the headers of its answer."""

    error: AlpacaError
    headers: Mapping[str, str] | None = None


class ReliableAdapter(HTTPAdapter):
    """See the module's text.

    Parameters
    ----------
    credentials
        None: nothing is put in.
    whose
        What the keys are of, for messages: "the paper account".
    timeout_seconds
        Of one request.
    max_attempts
        Of a GET.
    """

    def __init__(self, credentials: Credentials | None, *, whose: str, timeout_seconds: float, max_attempts: int, backoff: Backoff) -> None:
        super().__init__(max_retries=0)
        self._credentials = credentials
        self._whose = whose
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        self._backoff = backoff
        self._pages = PageWatch()
        self.server_time: datetime | None = None
        """The server's clock at its last answer."""

    @override
    def send(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        request: requests.PreparedRequest,
        *_: object,
        verify: bool | str = True,
        cert: object = None,
        proxies: object = None,
        **__: object,
    ) -> requests.Response:
        """The answer, whole, with a status of 2xx.

        Raises
        ------
        AlpacaError
        """
        where = f"{request.method} {urlsplit(request.url or '').path}"
        attempts = self._max_attempts if request.method == "GET" else 1
        how = {"verify": verify, "cert": cert, "proxies": proxies}
        attempt = 1
        while isinstance(outcome := self._attempt(request, where, how), _Failed):
            if attempt == attempts:
                raise self._given_up(outcome.error, attempts) from None
            attempt += 1
            self._backoff.before(attempt, outcome.headers)
        self._check_pages(request, outcome, where)
        return outcome

    def _attempt(self, request: requests.PreparedRequest, where: str, how: Mapping[str, object]) -> requests.Response | _Failed:
        sent = request.copy()
        if self._credentials is not None:
            sent.headers["APCA-API-KEY-ID"] = self._credentials.key_id.reveal()
            sent.headers["APCA-API-SECRET-KEY"] = self._credentials.secret_key.reveal()
        try:
            response = super().send(sent, stream=True, timeout=self._timeout_seconds, **how)  # pyright: ignore[reportArgumentType]
        except requests.RequestException as error:
            return _Failed(self._no_answer(error, where))
        response.request = request
        self.server_time = http_date(response.headers.get("Date", "")) or self.server_time
        try:
            self._read(response)
        except (HTTPError, OSError) as error:
            return _Failed(AlpacaAnswerLostError(f"{where}: the answer broke off ({_kind(error)})"))
        return self._judged(response, where)

    def _read(self, response: requests.Response) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        content = bytearray()
        try:
            # read1 returns what has come, so that a body that drips is noticed
            while part := response.raw.read1(_READ_BYTES, decode_content=True):
                content += part
                if time.monotonic() > deadline:
                    raise TimeoutError
        finally:
            response.close()
        response._content = bytes(content)  # where requests itself keeps what was read
        response._content_consumed = True  # pyright: ignore[reportAttributeAccessIssue]
        response.encoding = "utf-8"

    def _judged(self, response: requests.Response, where: str) -> requests.Response | _Failed:
        status = response.status_code
        if status == 429:
            return _Failed(AlpacaRateLimitError(f"{where}: too many requests (429)"), response.headers)
        if status >= 500 or status == 408:
            return _Failed(AlpacaAnswerLostError(f"{where}: the server failed ({status})"), response.headers)
        if status >= 300:
            raise self._refused(response, where)
        if response.content or response.request.method == "GET":
            try:
                json.loads(response.content)
            except ValueError:
                kind = response.headers.get("Content-Type", "of no stated type")
                return _Failed(
                    AlpacaAnswerLostError(f"{where}: the answer ({status}, {kind}, {len(response.content)} bytes) is not JSON"),
                    response.headers,
                )
        return response

    def _refused(self, response: requests.Response, where: str) -> AlpacaRefusedError:
        status, (code, reason) = response.status_code, _reason(response)
        reason = self._credentials.scrub(reason) if self._credentials else reason
        said = f"{where}: refused ({status}{f', {reason}' if reason else ''})"
        more = {"status": status, "code": code, "reason": reason}
        if "recent SIP data" in reason:
            return AlpacaKeysError(
                f"{said}. The newest 15 minutes of SIP need a paid subscription: set source.alpaca.feed to iex or delayed_sip", **more
            )
        if status in (401, 403) and (status == 401 or "forbidden" in reason.lower() or "authorized" in reason.lower()):
            return AlpacaKeysError(
                f"{said}. {KEY_ID} and {SECRET_KEY} are missing, wrong, expired, or not those of {self._whose}: look at both, make new ones at Alpaca if "
                "need be, and check alpaca.account",
                **more,
            )
        return AlpacaRefusedError(said, **more)

    def _no_answer(self, error: requests.RequestException, where: str) -> AlpacaError:
        cause = error.args[0] if error.args else None
        if isinstance(cause, MaxRetryError):
            cause = cause.reason
        never = isinstance(cause, NewConnectionError | ConnectTimeoutError | NameResolutionError)
        untrusted = isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)
        if never or untrusted or isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
            return AlpacaUnreachableError(f"{where}: no connection ({_kind(error)})")
        if isinstance(error, requests.Timeout):
            return AlpacaAnswerLostError(f"{where}: no answer within {self._timeout_seconds:g} seconds")
        return AlpacaAnswerLostError(f"{where}: the connection broke before an answer came ({_kind(error)})")

    def _check_pages(self, request: requests.PreparedRequest, response: requests.Response, where: str) -> None:
        if request.method != "GET" or b'"next_page_token"' not in response.content:
            return
        body = json.loads(response.content)
        if isinstance(body, dict) and self._pages.turns_back(request.url or "", body.get("next_page_token")):
            raise AlpacaError(
                f"{where}: the next page that the server names was there already, so the pages would never end, and what is on them can't be trusted: "
                "ask again later, and tell Alpaca if it stays so"
            )

    def _given_up(self, error: AlpacaError, attempts: int) -> AlpacaError:
        often = f", {attempts} times" if attempts > 1 else ""
        advice = {
            AlpacaUnreachableError: "check the network, or wait until Alpaca is back (status.alpaca.markets)",
            AlpacaRateLimitError: "wait a minute, ask for less at once, or raise alpaca.max_attempts",
        }.get(
            type(error),
            "wait until Alpaca is back (status.alpaca.markets)"
            if attempts > 1
            else "ask whether it was carried out before anything else is sent",
        )
        return type(error)(f"{error}{often}: {advice}")


def make_reliable(session: requests.Session, adapter: ReliableAdapter, *, local: bool) -> None:
    """Mount the adapter for every address. A `local` server is asked directly, whatever proxy the environment names."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    session.trust_env = session.trust_env and not local


def _reason(response: requests.Response) -> tuple[int | None, str]:
    """Alpaca's code and message, or the beginning of whatever else it said."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = response.text[:200].strip()
    if not isinstance(body, dict):
        return None, str(body)[:200]
    code = body.get("code")
    return code if isinstance(code, int) else None, str(body.get("message", ""))[:500]


def _kind(error: Exception) -> str:
    """The error's name alone: its text may hold a URL, its arguments the request."""
    return type(error).__name__
