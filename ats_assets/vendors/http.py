"""Requests to any vendor: within its limits, whole or not at all, repeated where that is harmless, and without a key in anything that comes back.

1. Before each request, a page or a repetition included, its share of the vendor's budget is taken; the process waits where none is left.
2. The key is put in on the way out, and only for the vendor's own address: what leads elsewhere is not followed.
3. An answer counts once all of its body has come and is what it should be; 429, 5xx, and what is cut, late or not JSON is asked for again, after a wait.
4. Where a key is refused, the other one is asked with, if there is one. Any other refusal is an error at once.
5. Keys are taken out of body and headers before anyone sees them, since a server may repeat what it was sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from ats_assets.vendors.answer import Answer, FailedAttempt, Form, WhatIsWrong, judged, refusal_reason
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import Scrubber, VendorKey, VendorKeys
from ats_assets.vendors.errors import (
    VendorAnswerLostError,
    VendorError,
    VendorKeysError,
    VendorRateLimitError,
    VendorRefusedError,
    VendorUnreachableError,
)
from ats_assets.vendors.listing import Listing
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets.vendors.vendor_state import VendorState
from ats_assets.vendors.wire import error_kind, read_whole, was_never_sent

Parameters = Mapping[str, str | int | float | Sequence[str] | None]
PutKey = Callable[[VendorKey, str, str], Mapping[str, str]]
"""The headers that show a key, for a method and a URL."""


def bearer(key: VendorKey, _method: str, _url: str) -> dict[str, str]:
    """`Authorization: Bearer …`."""
    return {"Authorization": f"Bearer {key.reveal()}"}


def key_header(name: str) -> PutKey:
    """The key alone in a header of this name."""
    return lambda key, _method, _url: {name: key.reveal()}


class VendorHttp:
    """Asks one vendor. Safe for several threads.

    Parameters
    ----------
    vendor
        Its name in settings and messages.
    base_url
        `https://api.example.com`, with or without a path; the key goes nowhere else.
    credentials
        None: it is asked without a key.
    limits
        Its own; settings may say others.
    state
        What all processes share; None: kept in this process alone.
    put_key
        How a key is shown.
    headers
        Sent with each request.
    timeout_seconds
        Of one request, its body included.
    max_attempts
        Of one request.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        credentials: VendorKeys | None,
        limits: VendorLimits,
        *,
        state: VendorState | None = None,
        backoff: Backoff | None = None,
        put_key: PutKey = bearer,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 30.0,
        max_attempts: int = 6,
    ) -> None:
        self.vendor = vendor
        self._base = base_url.rstrip("/")
        self._credentials = credentials
        self._limits = limits
        self._state = state or VendorState()
        self._backoff = backoff or Backoff(max_seconds=120.0)
        self._put_key = put_key
        self._headers = dict(headers or {})
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        self._refused: set[str] = set()
        self._session = requests.Session()
        local = urlsplit(base_url).hostname in {"127.0.0.1", "localhost", "::1"}
        self._session.trust_env = not local  # a server on this machine is asked directly, whatever proxy the environment names

    def get(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        ttl_seconds: float | None = None,
        form: Form = "json",
        weight: int = 1,
        is_whole: WhatIsWrong | None = None,
    ) -> Answer:
        """The answer to a GET.

        Parameters
        ----------
        path
            Below the base, or a whole address of the same server.
        parameters
            Those that are None are left out; a sequence is sent as a list with commas.
        ttl_seconds
            An answer that is younger may be taken from the cache; None: it is asked for.
        weight
            How many units of the budget it takes.
        is_whole
            What is wrong with an answer (it has fewer rows than it says), or None; it is asked for again then.

        Raises
        ------
        VendorError
            By its class: what may be done next.
        SettingsError
            If there is no key.
        """
        url = self._url(path, parameters)
        question = f"{self.vendor} {form} {url}"
        if ttl_seconds is not None and (kept := self._state.kept(question)):
            return kept
        where = f"{self.vendor}: GET {self._shown(url)}"
        attempt = 1
        while isinstance(outcome := self._attempt(url, where, form, weight, is_whole), FailedAttempt):
            if attempt >= self._max_attempts:
                raise self._given_up(outcome.error, attempt) from None
            attempt += 1
            self._backoff.before(attempt, outcome.headers)
        if ttl_seconds is not None:
            self._state.keep(question, outcome, ttl_seconds)
        return outcome

    def pages(
        self,
        path: str,
        parameters: Parameters | None,
        next_page: Callable[[Answer], Mapping[str, Any] | str | None],
        *,
        rows: Callable[[Answer], Sequence[Any]] | None = None,
        said_rows: Callable[[Answer], int | None] | None = None,
        weight: int = 1,
    ) -> Iterator[Answer]:
        """The pages of a listing, in order, each once. Each counts against the budget.

        Parameters
        ----------
        next_page
            What leads to the page after this one: the parameters that change, or an address (of the same server), or None at the end.
        rows
            The rows of a page, so that one that comes twice is noticed.
        said_rows
            How many rows a page says that it has; one with others is asked for again.

        Raises
        ------
        VendorPagesError
            If pages lead back, elsewhere or without an end, or rows come twice.
        VendorError
            See `get`.
        """
        listing = Listing(self.vendor, rows, said_rows)
        url = self._url(path, parameters)
        while True:
            listing.asks(url, self._shown(url))
            answer = self.get(url, weight=weight, is_whole=listing.lacks)
            listing.has(answer)
            yield answer
            following = next_page(answer)
            if not following:
                return
            if isinstance(following, str):
                url = listing.within(self._base, urljoin(url, following), self._shown(url))
            else:
                parameters = {**(parameters or {}), **following}
                url = self._url(path, parameters)

    def _url(self, path: str, parameters: Parameters | None) -> str:
        url = path if "://" in path else f"{self._base}/{path.lstrip('/')}"
        if not url.startswith(f"{self._base}/") and url != self._base:
            raise VendorError(f"{self.vendor}: {self._shown(url)} is not an address of {self._base}, so nothing is asked there")
        told = {name: _written(value) for name, value in (parameters or {}).items() if value is not None}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(told)}" if told else url

    def _shown(self, url: str) -> str:
        """The path and parameters, without keys."""
        parts = urlsplit(url)
        return self._scrubber().text(parts.path + (f"?{parts.query}" if parts.query else ""))[:300]

    def _scrubber(self) -> Scrubber:
        return self._credentials.scrubber() if self._credentials else Scrubber([])

    def _attempt(self, url: str, where: str, form: Form, weight: int, is_whole: WhatIsWrong | None) -> Answer | FailedAttempt:
        keys = self._credentials.now() if self._credentials else [None]
        keys = [key for key in keys if key is None or key.fingerprint not in self._refused] or keys
        refused: VendorRefusedError | None = None
        for key in keys:
            self._state.take(self._bucket(key), self._limits, weight)
            outcome = self._asked(url, where, key)
            if isinstance(outcome, FailedAttempt):
                return outcome
            outcome, scrubber = replace(outcome, headers=CaseInsensitiveDict(outcome.headers)), self._scrubber()
            if outcome.status == 401 and key is not None:
                self._refused.add(key.fingerprint)
                refused = self._keys_refused(outcome, where, scrubber)
                continue
            return judged(outcome, where, form, is_whole, scrubber)
        raise refused or AssertionError("there is a key, or None in its place")

    def _bucket(self, key: VendorKey | None) -> str:
        return f"{self.vendor} {urlsplit(self._base).netloc} {key.fingerprint if key else '-'}"

    def _asked(self, url: str, where: str, key: VendorKey | None) -> Answer | FailedAttempt:
        """Whatever is answered, whole."""
        at = datetime.now(UTC)
        headers = {"Accept-Encoding": "gzip", **self._headers, **(self._put_key(key, "GET", url) if key else {})}
        prepared = requests.Request("GET", url, headers=headers).prepare()
        how = self._session.merge_environment_settings(url, {}, None, None, None) | {"stream": True}
        try:
            response = self._session.send(prepared, timeout=self._timeout_seconds, allow_redirects=False, **how)
        except requests.RequestException as error:
            if was_never_sent(error):
                return FailedAttempt(VendorUnreachableError(f"{where}: no connection ({error_kind(error)})"))
            late = isinstance(error, requests.Timeout)
            said = (
                f"no answer within {self._timeout_seconds:g} seconds"
                if late
                else f"the connection broke before an answer came ({error_kind(error)})"
            )
            return FailedAttempt(VendorAnswerLostError(f"{where}: {said}"))
        try:
            content = read_whole(response, self._timeout_seconds)
        except (HTTPError, OSError) as error:
            return FailedAttempt(VendorAnswerLostError(f"{where}: the answer broke off ({error_kind(error)})"), response.headers)
        return Answer(self._shown(url), response.status_code, response.headers, content, content, False, at)

    def _keys_refused(self, answer: Answer, where: str, scrubber: Scrubber) -> VendorKeysError:
        reason = scrubber.text(refusal_reason(answer.content))
        names = " and ".join(self._credentials.names) if self._credentials else ""
        return VendorKeysError(
            f"{where}: refused ({answer.status}{f', {reason}' if reason else ''}). {names} is missing, wrong or expired: look at it, and make a new one at "
            f"{self.vendor} if need be",
            status=answer.status,
            reason=reason,
        )

    def _given_up(self, error: VendorError, attempts: int) -> VendorError:
        often = f", {attempts} times" if attempts > 1 else ""
        advice = {
            VendorUnreachableError: f"check the network, or wait until {self.vendor} is back",
            VendorRateLimitError: f"wait a minute, ask for less at once, or set vendors.{self.vendor}.requests_per_minute to what the plan allows",
        }.get(type(error), f"wait until {self.vendor} is back")
        return type(error)(f"{error}{often}: {advice}")


def _written(value: str | float | Sequence[str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ",".join(map(str, value))
