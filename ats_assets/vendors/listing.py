"""The pages of one listing while they are read: whether they belong together, and end."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ats_assets.errors import how_many
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.errors import VendorPagesError

MOST_PAGES = 100_000
"""Of one listing: more than any has, and fewer than for ever."""


class Listing:
    """Remembers what was asked for and what came.

    Parameters
    ----------
    rows
        The rows of a page; None: only its address tells pages apart.
    said_rows
        How many rows a page says that it has.
    """

    def __init__(
        self, vendor: str, rows: Callable[[Answer], Sequence[Any]] | None, said_rows: Callable[[Answer], int | None] | None
    ) -> None:
        self._vendor = vendor
        self._rows = rows
        self._said_rows = said_rows
        self._asked: set[bytes] = set()
        self._came: set[bytes] = set()

    def asks(self, url: str, shown: str) -> None:
        """Note that a page is asked for.

        Raises
        ------
        VendorPagesError
            If it was asked for before, or there are too many.
        """
        parts = urlsplit(url)
        page = _digest([parts.netloc, parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))])
        if page in self._asked:
            raise VendorPagesError(
                f"{self._vendor}: the next page that the server names, {shown}, was there already, so the pages would never end, and what is on them can't be "
                f"trusted: ask again later, and tell {self._vendor} if it stays so"
            )
        if len(self._asked) >= MOST_PAGES:
            raise VendorPagesError(
                f"{self._vendor}: {MOST_PAGES:,} pages have come, and the last one, {shown}, names another: ask for less at once"
            )
        self._asked.add(page)

    def lacks(self, answer: Answer) -> str | None:
        """What is wrong with a page by itself: it does not have the form of one, or other rows than it says."""
        try:
            there = None if self._rows is None else len(self._rows(answer))
            said = None if self._said_rows is None else self._said_rows(answer)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            told = str(error) if type(error) is ValueError else ""
            return f"the page has not the documented form ({told or type(error).__name__})"
        return (
            None
            if there is None or said is None or said == there
            else f"the page says that it has {how_many(said, 'row')}, and has {there:,}"
        )

    def has(self, answer: Answer) -> None:
        """Note that a page came.

        Raises
        ------
        VendorPagesError
            If its rows came before.
        """
        rows = self._rows(answer) if self._rows else ()
        if not len(rows):
            return
        if (page := _digest(rows)) in self._came:
            raise VendorPagesError(
                f"{self._vendor}: the {how_many(len(rows), 'row')} of {answer.path} came on an earlier page already, so rows may be missing or doubled: ask "
                f"again later, and tell {self._vendor} if it stays so"
            )
        self._came.add(page)

    def within(self, base: str, url: str, shown: str) -> str:
        """The address of the next page.

        Raises
        ------
        VendorPagesError
            If it is another server's, to which no key is shown.
        """
        if not url.startswith(f"{base}/"):
            raise VendorPagesError(
                f"{self._vendor}: {shown} leads to a page at {urlsplit(url).hostname}, which is not {base}: it is not asked, since the key is not meant for it"
            )
        return url


def _digest(value: object) -> bytes:
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=repr).encode(), digest_size=16).digest()
