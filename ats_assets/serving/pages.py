"""Lists in pages. A cursor is opaque: it says where to go on, and of which version of the data."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Query

from ats_assets.serving.problems import Problem

Limit = Annotated[
    int | None, Query(ge=1, description="rows of the page at most; default serving.page_rows, never more than serving.max_page_rows")
]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


@dataclass(frozen=True, kw_only=True)
class PageAsked:
    """Which page is asked for.

    Attributes
    ----------
    limit
        Rows.
    after
        What the cursor says; empty: the first page.
    """

    limit: int
    after: dict[str, Any]


def encoded_cursor(**values: Any) -> str:
    """A cursor with these values.

    Examples
    --------
    >>> decoded_cursor(encoded_cursor(n=500))
    {'n': 500}
    """
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":"), default=str).encode()).decode().rstrip("=")


def decoded_cursor(cursor: str) -> dict[str, Any]:
    """What a cursor says.

    Raises
    ------
    Problem
        If it is none of this service's.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise wrong_cursor()
    return found


def wrong_cursor() -> Problem:
    """The cursor is not one that this list has given."""
    return Problem(422, "wrong-cursor", "cursor is not one that this list gave as `next`: begin again without it")


def slice_of(rows: Sequence[Any], page: PageAsked, version: str) -> tuple[Sequence[Any], str | None]:
    """The rows of the page, and the cursor of the next one; None where it is the last.

    Raises
    ------
    Problem
        If the cursor is of other data: pages of two versions would leave rows out, or have them twice.
    """
    start = page.after.get("n", 0)
    if not isinstance(start, int) or isinstance(start, bool) or start < 0 or page.after.keys() - {"n", "v"}:
        raise wrong_cursor()
    if page.after and page.after.get("v") != version[:16]:
        raise Problem(409, "data-changed", "the data have changed since the page before: begin again without a cursor")
    end = start + page.limit
    return rows[start:end], encoded_cursor(n=end, v=version[:16]) if end < len(rows) else None


def before_session(page: PageAsked) -> date | None:
    """The session before which a page of a history goes on; None: it begins with the newest.

    Raises
    ------
    Problem
        If the cursor is of another list.
    """
    if not page.after:
        return None
    try:
        return date.fromisoformat(page.after["before"])
    except (KeyError, TypeError, ValueError):
        raise wrong_cursor() from None


def after_record(page: PageAsked) -> tuple[datetime, str] | None:
    """The time and id after which a page of records goes on; None: it begins with the newest.

    Raises
    ------
    Problem
        If the cursor is of another list.
    """
    if not page.after:
        return None
    try:
        at, key = datetime.fromisoformat(page.after["at"]), page.after["id"]
        if at.tzinfo is None or not key.isprintable():  # what no id has, such as half a character, databases take as little
            raise wrong_cursor()
        return at.astimezone(UTC), key  # one that no calendar has in UTC is no time of a record
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise wrong_cursor() from None


def record_cursor(last: tuple[datetime, str] | None) -> str | None:
    """The cursor of the page after a record."""
    return None if last is None else encoded_cursor(at=last[0].isoformat(), id=last[1])
