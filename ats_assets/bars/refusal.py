"""Vintages that break the contract as a whole: they are kept, and not read where the session has another one.

A delivery in which more rows than `bars.max_rejected_share` are rejected stops what comes after, and a person or the vendor sees to it. The corrected one is then the first that can be used, however
late it came; and a spoilt one that comes after a sound one takes nobody's bars away. So a choice by time alone would be wrong in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from ats_assets.orchestration.reading import VintageRows


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """How many rows of a delivery are rejected: of its own session (`rejected`), of other days, and the share that counts."""

    rejected: int
    of_other_days: int
    share: float


def rejection(accepted: int, rows: pl.DataFrame) -> Rejection:
    """Of the rejected rows of a delivery (session, date), of which so many were accepted.

    Rows of another day (a weekend, the future) say little of this session's: they count only where they are as many as its own, as where all stamps are a day off.
    """
    strays = int(rows.select((pl.col("date") != pl.col("session")).fill_null(value=False)).to_series().sum())
    rejected = rows.height - (strays if strays <= accepted else 0)
    return Rejection(rejected=rejected, of_other_days=strays, share=rejected / (accepted + rejected) if accepted + rejected else 0.0)


def refused(kept: Sequence[VintageRows], rejected: Sequence[VintageRows], limit: float) -> tuple[list[VintageRows], list[VintageRows]]:
    """The same with what is refused named: of each session the vintages with a larger rejected share than the limit, unless all have it."""
    sound: set[date] = set()
    spoilt: list[set[date]] = []
    for good, bad in zip(kept, rejected, strict=True):
        counts = dict(good.rows.group_by("session").len().iter_rows())
        parts = bad.rows.select("session", "date").partition_by("session", as_dict=True)
        empty = bad.rows.select("session", "date").clear()
        over = {day for day in good.stamps if rejection(counts.get(day, 0), parts.get((day,), empty)).share > limit}
        spoilt.append(over)
        sound |= good.stamps.keys() - over
    return (
        [replace(one, refused=frozenset(over & sound)) for one, over in zip(kept, spoilt, strict=True)],
        [replace(one, refused=frozenset(over & sound)) for one, over in zip(rejected, spoilt, strict=True)],
    )
