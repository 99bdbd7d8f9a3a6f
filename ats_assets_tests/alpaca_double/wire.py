"""What comes in and what goes out: requests, responses, routes, and Alpaca's form of an error."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came: `query` holds the last value of each key, `parts` the named groups of the route's pattern, `key_id` who asks (None: nobody said)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: str
    parts: Mapping[str, str]
    key_id: str | None
    now: datetime

    def json(self) -> dict[str, Any]:
        """The body as JSON, {} where there is none."""
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer; `body` is made JSON, None is no body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818
    """An error in Alpaca's form: {"message": …}, on the trading side with a `code` too."""

    def __init__(self, status: int, message: str, code: int | None = None, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = ({"code": code} if code is not None else {}) | {"message": message} | more


@dataclass(frozen=True, kw_only=True)
class Route:
    """A place of the API: a regular expression for the whole path, with named groups, and what answers there.

    `keyless`: it can be used without keys, but not with wrong ones.
    """

    method: str
    pattern: str
    handle: Callable[[Request], Response]
    keyless: bool = False

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The named groups, where this is the route."""
        found = re.fullmatch(self.pattern, path) if method == self.method else None
        return None if found is None else found.groupdict()


class Desk(Protocol):
    """A part of the double: its routes, and what a test in another process may tell it.

    All handlers run under one lock, so they need none of their own.
    """

    name: str

    def routes(self) -> Iterable[Route]:
        """What it serves."""
        ...

    def control(self, what: str, body: Any) -> Any:
        """Do or tell `what` (POST /_double/<name>/<what>), JSON in and out; KeyError where it is unknown."""
        ...


def instant(text: str, *, end: bool = False) -> datetime:
    """A query's time: RFC 3339, or a day in New York (its start, or as `end` its last moment); without an offset UTC."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            clock = datetime.max.time() if end else datetime.min.time()
            return datetime.combine(day, clock, NEW_YORK)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, f'Invalid format for parameter: error parsing "{text}" as RFC3339 or 2006-01-02 time') from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def rfc3339(at: datetime) -> str:
    """As Alpaca writes times on the data side: UTC with Z, fractions only where there are some."""
    utc = at.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z"
