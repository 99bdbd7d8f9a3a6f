"""What becomes of another strategy's positions at a session at which it has no signals: risk does not rest.

A strategy that follows another one (`peak_exits`, `risk_ruled`) goes on with the last book of this primary strategy, as prices have moved it, for `portfolio.without_signals_sessions`:

1. In each session since the newest one with signals that book is judged as any other. Of a position the least share counts that any of these sessions has left of it: nothing is added to it, or bought back.
2. Where that is no less than the newest session with signals left of any, there are no signals either, and what is held stays.
3. From the first session on in which something is cut there are signals, until the primary strategy has some again: so what a halt or a limit holds up is still ordered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.kernels.weight_limits import TOLERANCE
from ats_assets.plugins import Needs
from ats_assets.portfolio.held_books import HeldBooks, needs_of_held_books
from ats_assets.portfolio.targets import with_earlier

WEIGHT: Final = "target_weight"
KEYS: Final = ("session", "symbol")
OF_LAST: Final = ("score", "model_session")
"""What a row of a moved book has of the last one."""


def widened_needs(primary: str, needs: Sequence[Needs], kept: int, past: int) -> tuple[Needs, ...]:
    """The windows of a strategy that follows another one.

    Parameters
    ----------
    primary
        The asset of its signals.
    needs
        What judging one session reads.
    kept
        Sessions for which the last book is followed.
    past
        Sessions before one whose books are looked at to judge it.
    """
    found = {one.asset: Needs(asset=one.asset, back=one.back + kept, lag=one.lag) for one in needs}
    for one in needs_of_held_books(kept + past + 1, kept):
        there = found.get(one.asset, one)
        found[one.asset] = Needs(asset=one.asset, back=max(one.back, there.back), lag=min(one.lag, there.lag))
    return (Needs(asset=primary, back=kept + past + kept), *found.values())


@dataclass(frozen=True, kw_only=True)
class FollowedBooks:
    """The books of the primary strategy, those that prices have moved among them.

    Attributes
    ----------
    rows
        symbol, session, target_weight, score, model_session: of all sessions that have signals, and of all in `judged` and the past before them that have a moved book.
    own
        Those of `rows` that the primary strategy has made itself. How long a position has been there is known of these alone: which books are moved depends on what else is asked for.
    judged
        The sessions that are to be judged, ascending: all that are wanted, and for one with a moved book those since the signals that it is of.
    rests
        Of those that are wanted, each with a moved book -> the session that it is of.
    books
        Who bears which ticker.
    """

    rows: pl.DataFrame
    own: pl.DataFrame
    judged: Sequence[date]
    rests: Mapping[date, date]
    books: HeldBooks

    def emitted(self, judged: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
        """The signals of the sessions that are wanted.

        Parameters
        ----------
        judged
            symbol, session, target_weight, reason and what else signals have, of the sessions `judged`, each row of the books once.
        """
        own = judged.filter(pl.col("session").is_in([day for day in sessions if day not in self.rests]))
        return pl.concat([own, *(self._cut(judged, day, last) for day, last in self.rests.items())]).sort(KEYS)

    def _cut(self, judged: pl.DataFrame, day: date, last: date) -> pl.DataFrame:
        since = judged.filter(pl.col("session").is_between(last, day))
        book = self.rows.select(*KEYS, proposed=WEIGHT)
        proposed = pl.col("proposed")
        share = pl.when(proposed == 0.0).then(1.0).otherwise((pl.col(WEIGHT) / proposed).clip(0.0, 1.0))
        rows = self.books.known(day).named(
            since.join(book, on=KEYS, how="left", validate="1:1", maintain_order="left").with_columns(share=share)
        )
        least = rows.sort("share", "session").group_by(INSTRUMENT, maintain_order=True).first()
        first = rows.filter(session=last).select(INSTRUMENT, before="share")
        both = least.select(INSTRUMENT, least="share", told="reason").join(first, on=INSTRUMENT, how="left", validate="1:1")
        if not (both["least"] < both["before"] - TOLERANCE).any():
            return judged.clear()
        made = rows.filter(session=day).join(both, on=INSTRUMENT, how="left", validate="1:1", maintain_order="left")
        made = made.with_columns((proposed * pl.col("least") + 0.0).alias(WEIGHT), reason=pl.coalesce("told", "reason"))
        return made.select(judged.columns)


def followed_books(
    signals: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date], *, kept: int, past: int
) -> FollowedBooks:
    """The books of a primary strategy.

    Parameters
    ----------
    signals
        Its signals.
    frames, days, sessions
        As of `Strategy.scores`, of the windows of `widened_needs`.
    kept, past
        See `widened_needs`.
    """
    books = HeldBooks(frames=frames, days=days, kept=kept)
    own = signals.select("symbol", "session", *OF_LAST, pl.col(WEIGHT).fill_null(0.0))
    place = {day: i for i, day in enumerate(days)}
    rests = books.last({"primary": own}, sessions)["primary"]
    judged = sorted({*sessions, *(one for day, last in rests.items() for one in days[place[last] : place[day]])})
    moved = books.last({"primary": own}, with_earlier(days, judged, past))["primary"]
    parts = [own, *(_moved(books, own, last, day).select(own.columns) for day, last in moved.items())]
    return FollowedBooks(rows=pl.concat(parts).sort(KEYS), own=own, judged=judged, rests=rests, books=books)


def _moved(books: HeldBooks, own: pl.DataFrame, last: date, day: date) -> pl.DataFrame:
    """The book of a session as prices have moved it to another, with what else its rows say."""
    known, book = books.known(day), own.filter(session=last)
    moved = books.moved(book.select("symbol", weight=WEIGHT), last, day, 1.0).rename({"weight": WEIGHT}).with_columns(session=pl.lit(day))
    told = known.named(book).select(INSTRUMENT, *OF_LAST)
    return known.named(moved).join(told, on=INSTRUMENT, how="left", validate="1:1", maintain_order="left")
