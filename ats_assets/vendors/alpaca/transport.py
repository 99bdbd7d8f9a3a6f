"""What makes alpaca-py's clients reliable, below them: an adapter on their `requests` session.

1. The keys are put in here, on the way out, so that no client, request or response object above holds them.
2. Each request has a time limit, for the connection, each read, and the whole answer.
3. The body is read and understood here: an answer that is cut, truncated or not JSON counts as none, and no half page gets any further.
4. A request that changes nothing (GET) is repeated after no answer, 429 and 5xx, with waits; any other is sent once, and never again.
5. Each request takes its share of the budget that all processes share, and is in the audit log before it is sent. One that changes something does not wait for it.
6. What fails is one of the errors of `errors.py`. They are raised without a cause, since the library's exceptions carry the request with its headers.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from typing_extensions import override
from urllib3.exceptions import HTTPError

from ats_assets.vendors.alpaca.alpaca_keys import KEY_ID, SECRET_KEY, VENDOR, Credentials, KeyChoice
from ats_assets.vendors.alpaca.errors import (
    AlpacaAnswerLostError,
    AlpacaError,
    AlpacaKeysError,
    AlpacaRateLimitError,
    AlpacaRefusedError,
    AlpacaUnreachableError,
)
from ats_assets.vendors.alpaca.paging import PageWatch
from ats_assets.vendors.answer import refusal_reason
from ats_assets.vendors.asking_again import NO_KEY
from ats_assets.vendors.backoff import Backoff, http_date
from ats_assets.vendors.call_log import ANSWERED, CallOutcome, VendorCall
from ats_assets.vendors.credentials import VendorKey
from ats_assets.vendors.errors import VendorPausedError, VendorRateLimitError
from ats_assets.vendors.vendor_state import Terms, VendorState
from ats_assets.vendors.wire import error_kind, read_whole, was_never_sent

PLACEHOLDER = "(put in by the transport)"
"""What the clients hold in place of a key."""


@dataclass(frozen=True)
class _Failed:
    """An attempt without an answer that counts: the error to raise in the end, and the headers of its answer."""

    error: AlpacaError
    headers: Mapping[str, str] | None = None
    is_of_key: bool = False
    """Whether the key was refused, so that another one may help."""


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

    def __init__(
        self,
        credentials: Credentials | None,
        *,
        whose: str,
        state: VendorState,
        terms: Terms,
        timeout_seconds: float,
        max_attempts: int,
        backoff: Backoff,
    ) -> None:
        super().__init__(max_retries=0)
        self._keys = KeyChoice(credentials, state)
        self._whose = whose
        self._state = state
        self._terms = terms
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
        how = {"verify": verify, "cert": cert, "proxies": proxies}
        attempt = 1
        while isinstance(outcome := self._attempt(request, where, how, attempt), _Failed):
            if outcome.is_of_key:
                continue  # with the other key, at once
            attempt += 1
            self._backoff.before(attempt, outcome.headers)
        self._check_pages(request, outcome, where)
        return outcome

    def _attempt(
        self, request: requests.PreparedRequest, where: str, how: Mapping[str, object], attempt: int
    ) -> requests.Response | _Failed:
        """One request, in the audit log.

        Raises
        ------
        AlpacaError
            If it is not worth another.
        """
        key = self._keys.now()
        parts = urlsplit(request.url or "")
        path = self._keys.scrubber().text(f"{parts.path}?{parts.query}".rstrip("?"))
        fingerprint = key.fingerprint if key else NO_KEY
        call = VendorCall(vendor=VENDOR, host=parts.netloc, key=fingerprint, method=request.method or "GET", path=path, attempt=attempt)
        number = self._begun(call)
        started = time.perf_counter()
        response, failed = self._sent(request, where, how, key)
        noted = CallOutcome(
            outcome=failed.error.outcome if failed else ANSWERED,
            status=None if response is None else response.status_code,
            seconds=time.perf_counter() - started,
            n_bytes=0 if response is None else len(response.content),
            request_id="" if response is None else response.headers.get("X-Request-Id", ""),
        )
        if failed is None:
            self._state.end(number, call, noted, breaker=self._terms.breaker)
            return response or requests.Response()
        again = self._is_worth_another(request, failed, key, call)
        raised = None if again else self._given_up(failed.error, attempt)
        self._state.end(number, call, noted, raised, breaker=self._terms.breaker)
        if raised is not None:
            raise raised from None
        return failed

    def _begun(self, call: VendorCall) -> int:
        try:
            return self._state.begin(call, replace(self._terms, waits=call.method == "GET"))
        except VendorRateLimitError as error:
            raise AlpacaRateLimitError(str(error)) from None
        except VendorPausedError as error:
            raise AlpacaUnreachableError(str(error)) from None

    def _is_worth_another(self, request: requests.PreparedRequest, failed: _Failed, key: VendorKey | None, call: VendorCall) -> bool:
        """Whether a request is sent again: only one that changes nothing; and note what all others need to know of this one."""
        if isinstance(failed.error, AlpacaRateLimitError) and (asked := self._backoff.asked_seconds(failed.headers)):
            self._state.hold_off(call, min(asked, self._terms.pause_seconds_max))
        has_another = failed.is_of_key and key is not None and self._keys.has_another(key)
        if request.method != "GET":
            return False
        return has_another if isinstance(failed.error, AlpacaRefusedError) else call.attempt < self._max_attempts

    def _sent(
        self, request: requests.PreparedRequest, where: str, how: Mapping[str, object], key: VendorKey | None
    ) -> tuple[requests.Response | None, _Failed | None]:
        """What is answered, whole and without keys, and why it does not count."""
        sent = request.copy()
        if key is not None:
            for name, part in zip(("APCA-API-KEY-ID", "APCA-API-SECRET-KEY"), key.parts, strict=True):
                sent.headers[name] = part.reveal()
        try:
            response = super().send(sent, stream=True, timeout=self._timeout_seconds, **how)  # pyright: ignore[reportArgumentType]
        except requests.RequestException as error:
            return None, _Failed(self._no_answer(error, where))
        response.request = request
        self.server_time = http_date(response.headers.get("Date", "")) or self.server_time
        try:
            content = read_whole(response, self._timeout_seconds)
        except (HTTPError, OSError) as error:
            return None, _Failed(AlpacaAnswerLostError(f"{where}: the answer broke off ({error_kind(error)})"))
        response._content = self._keys.scrubber().content(content)  # where requests itself keeps what was read
        response._content_consumed = True  # pyright: ignore[reportAttributeAccessIssue]
        response.encoding = "utf-8"
        response.headers = CaseInsensitiveDict({name: self._keys.scrubber().text(value) for name, value in response.headers.items()})
        return response, self._judged(response, where)

    def _judged(self, response: requests.Response, where: str) -> _Failed | None:
        status = response.status_code
        if status == 429:
            return _Failed(AlpacaRateLimitError(f"{where}: too many requests (429)"), response.headers)
        if status >= 500 or status == 408:
            return _Failed(AlpacaAnswerLostError(f"{where}: the server failed ({status})"), response.headers)
        if status >= 300:
            return self._refused(response, where)
        if response.content or response.request.method == "GET":
            try:
                json.loads(response.content)
            except ValueError:
                kind = response.headers.get("Content-Type", "of no stated type")
                return _Failed(
                    AlpacaAnswerLostError(f"{where}: the answer ({status}, {kind}, {len(response.content)} bytes) is not JSON"),
                    response.headers,
                )
        return None

    def _refused(self, response: requests.Response, where: str) -> _Failed:
        status, code = response.status_code, _code(response)
        reason = refusal_reason(response.content, self._keys.scrubber())
        said = f"{where}: refused ({status}{f', {reason}' if reason else ''})"
        more = {"status": status, "code": code, "reason": reason}
        if "recent SIP data" in reason:
            advice = "The newest 15 minutes of SIP need a paid subscription: set source.alpaca.feed to iex or delayed_sip"
            return _Failed(AlpacaKeysError(f"{said}. {advice}", **more))
        if status in (401, 403) and (status == 401 or "forbidden" in reason.lower() or "authorized" in reason.lower()):
            advice = f"{KEY_ID} and {SECRET_KEY} are missing, wrong, expired, or not those of {self._whose}: look at both, make new ones at Alpaca if need be"
            return _Failed(AlpacaKeysError(f"{said}. {advice}, and check alpaca.account", **more), is_of_key=True)
        return _Failed(AlpacaRefusedError(said, **more))

    def _no_answer(self, error: requests.RequestException, where: str) -> AlpacaError:
        if was_never_sent(error):
            return AlpacaUnreachableError(f"{where}: no connection ({error_kind(error)})")
        if isinstance(error, requests.Timeout):
            return AlpacaAnswerLostError(f"{where}: no answer within {self._timeout_seconds:g} seconds")
        return AlpacaAnswerLostError(f"{where}: the connection broke before an answer came ({error_kind(error)})")

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
        if isinstance(error, AlpacaRefusedError):
            return error
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


def _code(response: requests.Response) -> int | None:
    """Alpaca's own number of the error."""
    try:
        code = json.loads(response.content)["code"]
    except (ValueError, TypeError, KeyError):
        return None
    return code if isinstance(code, int) else None
