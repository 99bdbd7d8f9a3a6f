"""A vendor asked for several sessions: where that fails, for each half of them, since one session that it refuses, or of which its file is damaged, is no reason to take others from the next vendor.

So a session's rows are the same whatever others they are asked for with. What would fail for each session alike (no connection, a budget that is used up, keys, the same message for both halves) is not
asked for again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.vendors.errors import VendorKeysError, VendorRateLimitError, VendorUnreachableError

_OF_ALL_SESSIONS = (VendorUnreachableError, VendorRateLimitError, VendorKeysError)
Ask = Callable[[Sequence[date]], pl.DataFrame]


@dataclass
class Said:
    """What a vendor said: frames, the sessions that it answered for, and why not for the others."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    answered: set[date] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)


def said_of(ask: Ask, sessions: Sequence[date]) -> Said:
    """What a vendor says of some sessions."""
    found = Said()
    got = _answer(ask, sorted(sessions))
    _add(found, ask, sorted(sessions), got)
    return found


def _add(found: Said, ask: Ask, sessions: Sequence[date], got: pl.DataFrame | SourceError) -> None:
    if isinstance(got, pl.DataFrame):
        found.frames.append(got)
        found.answered |= set(sessions)
        return
    halves: list[tuple[Sequence[date], pl.DataFrame | SourceError]] = []
    if len(sessions) > 1 and not isinstance(got, _OF_ALL_SESSIONS):
        middle = len(sessions) // 2
        halves = [(half, _answer(ask, half)) for half in (sessions[:middle], sessions[middle:])]
    if all(isinstance(answer, SourceError) and str(answer) == str(got) for _, answer in halves):
        found.failed.append(str(got))
        return
    for half, answer in halves:
        _add(found, ask, half, answer)


def _answer(ask: Ask, sessions: Sequence[date]) -> pl.DataFrame | SourceError:
    try:
        return ask(sessions)
    except SourceError as error:
        return error
