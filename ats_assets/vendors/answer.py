"""A whole answer of a vendor, and what it counts as."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from requests.structures import CaseInsensitiveDict

from ats_assets.vendors.credentials import Scrubber
from ats_assets.vendors.errors import VendorAnswerLostError, VendorError, VendorKeysError, VendorRateLimitError, VendorRefusedError

Form = Literal["json", "bytes"]
TOO_MANY = frozenset({418, 429})
"""Statuses that say so; Binance bans with 418."""


@dataclass(frozen=True)
class Answer:
    """A whole answer with a status of 2xx, without keys.

    Attributes
    ----------
    path
        What was asked for, with its parameters.
    headers
        By name, whatever the case of its letters.
    body
        What JSON says, or the bytes where these were asked for.
    from_cache
        Whether it was kept from before; `asked_at` is the time of that answer then.
    """

    path: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any
    from_cache: bool
    asked_at: datetime


WhatIsWrong = Callable[[Answer], str | None]
"""What is wrong with an answer that is whole by its length, or None."""


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt that may be worth another: the error to raise in the end, and the headers of its answer."""

    error: VendorError
    headers: Mapping[str, str] | None = None


def judged(answer: Answer, where: str, form: Form, is_whole: WhatIsWrong | None, scrubber: Scrubber) -> Answer | FailedAttempt:
    """The answer that counts, understood and without keys, or why there is none.

    Raises
    ------
    VendorRefusedError
        If it is a refusal, which another attempt does not change.
    """
    status = answer.status
    if status in TOO_MANY:
        return FailedAttempt(VendorRateLimitError(f"{where}: too many requests ({status})"), answer.headers)
    if status >= 500 or status == 408:
        return FailedAttempt(VendorAnswerLostError(f"{where}: the server failed ({status})"), answer.headers)
    if not 200 <= status < 300:
        reason = scrubber.text(refusal_reason(answer.content))
        raise VendorRefusedError(f"{where}: refused ({status}{f', {reason}' if reason else ''})", status=status, reason=reason)
    content = scrubber.content(answer.content)
    body: Any = content
    if form == "json":
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            kind = scrubber.text(answer.headers.get("Content-Type", "of no stated type"))
            said = f"the answer ({status}, {kind}, {len(content)} bytes) is not JSON"
            return FailedAttempt(VendorAnswerLostError(f"{where}: {said}"), answer.headers)
    headers = CaseInsensitiveDict({scrubber.text(name): scrubber.text(value) for name, value in answer.headers.items()})
    clean = replace(answer, headers=headers, content=content, body=body)
    wrong = is_whole(clean) if is_whole else None
    return FailedAttempt(VendorAnswerLostError(f"{where}: {wrong}"), answer.headers) if wrong else clean


def keys_refused(answer: Answer, where: str, vendor: str, names: str, scrubber: Scrubber) -> VendorKeysError:
    """The error for a key that is refused; it names the variables that hold it."""
    reason = scrubber.text(refusal_reason(answer.content))
    return VendorKeysError(
        f"{where}: refused ({answer.status}{f', {reason}' if reason else ''}). {names} is missing, wrong or expired: look at it, and make a new one at "
        f"{vendor} if need be",
        status=answer.status,
        reason=reason,
    )


def refusal_reason(content: bytes) -> str:
    """What a refusal says, or its beginning."""
    text = content[:2000].decode(errors="replace").strip()
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return text[:200]
    if isinstance(said, dict):
        found = next((said[name] for name in ("message", "error", "msg", "reason", "detail") if said.get(name)), None)
        return (found if isinstance(found, str) else text)[:500]
    return text[:200]
