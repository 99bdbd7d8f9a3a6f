"""A whole answer of a vendor, and what it counts as."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ats_assets.vendors.credentials import Scrubber
from ats_assets.vendors.errors import VendorAnswerLostError, VendorError, VendorKeysError, VendorRateLimitError, VendorRefusedError

Form = Literal["json", "bytes"]
TOO_MANY = frozenset({418, 429})
"""Statuses that say so; Binance bans with 418."""
_S3_KEYS = re.compile(rb"<Code>\s*(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|InvalidSecurity)\s*</Code>")
"""What S3 servers call a key that is refused; their status is 403, which is that of a plan, too."""
_SHORT, _LONG = 200, 500


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


def judged(
    answer: Answer, where: str, form: Form, is_whole: WhatIsWrong | None, scrubber: Scrubber
) -> Answer | FailedAttempt | VendorRefusedError:
    """The answer that counts, understood, or why there is none: worth another attempt, or a refusal, which another does not change.

    Errors are given and not raised: a traceback would hold the frames that know the key.
    """
    status = answer.status
    if status in TOO_MANY:
        return FailedAttempt(VendorRateLimitError(f"{where}: too many requests ({status})"), answer.headers)
    if status >= 500 or status == 408:
        return FailedAttempt(VendorAnswerLostError(f"{where}: the server failed ({status})"), answer.headers)
    if not 200 <= status < 300:
        reason = refusal_reason(answer.content, scrubber)
        return VendorRefusedError(f"{where}: refused ({status}{f', {reason}' if reason else ''})", status=status, reason=reason)
    body: Any = answer.content
    if form == "json":
        try:
            body = json.loads(answer.content)
        except (ValueError, RecursionError):
            kind = answer.headers.get("Content-Type", "of no stated type")
            said = f"the answer ({status}, {kind}, {len(answer.content)} bytes) is not JSON"
            return FailedAttempt(VendorAnswerLostError(f"{where}: {said}"), answer.headers)
    understood = replace(answer, body=body)
    wrong = is_whole(understood) if is_whole else None
    return FailedAttempt(VendorAnswerLostError(f"{where}: {wrong}"), answer.headers) if wrong else understood


def refuses_the_key(answer: Answer) -> bool:
    """Whether an answer says that the key is wrong: another one may be right."""
    return answer.status == 401 or (answer.status in (400, 403) and _S3_KEYS.search(answer.content) is not None)


def keys_refused(answer: Answer, where: str, vendor: str, names: str, scrubber: Scrubber) -> VendorKeysError:
    """The error for a key that is refused; it names the variables that hold it."""
    reason = refusal_reason(answer.content, scrubber)
    return VendorKeysError(
        f"{where}: refused ({answer.status}{f', {reason}' if reason else ''}). {names} is missing, wrong or expired: look at it, and make a new one at "
        f"{vendor} if need be",
        status=answer.status,
        reason=reason,
    )


def refusal_reason(content: bytes, scrubber: Scrubber) -> str:
    """What a refusal says, or its beginning; keys are taken out before anything is cut, so that no part of one is left."""
    text = scrubber.text(content.decode(errors="replace")).strip()
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return text[:_SHORT]
    if isinstance(said, dict):
        found = next((said[name] for name in ("message", "error", "msg", "reason", "detail") if said.get(name)), None)
        return scrubber.text(found)[:_LONG] if isinstance(found, str) else text[:_SHORT]
    return text[:_SHORT]
