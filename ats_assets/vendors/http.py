"""Requests to any vendor: within its limits, whole or not at all, repeated where that is harmless, and without a key in anything that comes back.

1. Before each request, a page or a repetition included, its share of the vendor's budget is taken; the process waits where none is left.
2. The key is put in on the way out, and only for the vendor's own address: what leads elsewhere is not followed.
3. An answer counts once all of its body has come and is what it should be; 429, 5xx, and what is cut, late or not JSON is asked for again, after a wait.
4. Where a key is refused, the other one is asked with, if there is one. Any other refusal is an error at once.
5. Keys are taken out of body and headers before anyone sees them, since a server may repeat what it was sent.
6. Each request is in the audit log before it is sent. A vendor that fails again and again is left alone for a while.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from ats_assets.vendors.answer import Answer, Form, WhatIsWrong
from ats_assets.vendors.asking_again import Asking, Question, ShowKey
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.credentials import VendorKey, VendorKeys
from ats_assets.vendors.errors import VendorError
from ats_assets.vendors.listing import Listing
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets.vendors.vendor_state import VendorState
from ats_assets.vendors.wire import Wire

Parameters = Mapping[str, str | int | float | Sequence[str] | None]


def bearer(key: VendorKey, _method: str, _url: str) -> dict[str, str]:
    """`Authorization: Bearer …`."""
    return {"Authorization": f"Bearer {key.reveal()}"}


def key_header(name: str) -> ShowKey:
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
    breaker
        When the vendor is left alone; None: never.
    cache_seconds
        How old an answer may be that is taken from the cache, where `get` says that one may be; None: as old as it says.
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
        put_key: ShowKey = bearer,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 30.0,
        max_attempts: int = 6,
        breaker: Breaker | None = None,
        cache_seconds: float | None = None,
    ) -> None:
        self.vendor = vendor
        self._base = base_url.rstrip("/")
        self._state = state or VendorState()
        self._asking = Asking(
            vendor,
            Wire(base_url, timeout_seconds=timeout_seconds),
            credentials,
            state=self._state,
            limits=limits,
            backoff=backoff or Backoff(max_seconds=120.0),
            show_key=put_key,
            headers=headers or {},
            max_attempts=max_attempts,
            breaker=breaker or Breaker(),
        )
        self._cache_seconds = cache_seconds

    def get(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        ttl_seconds: float | None = None,
        form: Form = "json",
        weight: int = 1,
        is_whole: WhatIsWrong | None = None,
        is_kept: Callable[[Answer], bool] | None = None,
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
        is_kept
            Whether an answer may be put into the cache; None: any. One that says that there is nothing may be one that is early.

        Raises
        ------
        VendorError
            By its class: what may be done next.
        SettingsError
            If there is no key.
        """
        url = self._url(path, parameters)
        question = Question(url, self._shown(url), form, weight, is_whole)
        if ttl_seconds is None:
            return self._asking.answer(question)
        ttl = ttl_seconds if self._cache_seconds is None else self._cache_seconds
        kept = self._state.kept(self._asking.call(question, None, 1), url, form, ttl) if ttl else None
        if kept is not None:
            return replace(kept, body=json.loads(kept.content)) if form == "json" else kept
        answer = self._asking.answer(question)
        if ttl and (is_kept is None or is_kept(answer)):
            self._state.keep(self.vendor, url, form, answer)
        return answer

    def save(self, path: str, parameters: Parameters | None, file: Path, *, weight: int = 1, is_whole: WhatIsWrong | None = None) -> Answer:
        """Put the answer to a GET into a file, as it is sent, however large: the file is there once it is whole, and before that what was there stays.

        Parameters
        ----------
        is_whole
            What is wrong with the file (a checksum differs), or None. It is looked at once it is there, and gone again where something is wrong.

        Returns
        -------
        The answer without its content.

        Raises
        ------
        VendorError
            See `get`.
        """
        url = self._url(path, parameters)
        return self._asking.answer(Question(url, self._shown(url), "bytes", weight, is_whole, file))

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
        return self._asking.scrubber().text(parts.path + (f"?{parts.query}" if parts.query else ""))[:300]


def _written(value: str | float | Sequence[str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ",".join(map(str, value))
