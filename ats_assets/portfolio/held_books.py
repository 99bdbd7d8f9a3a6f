"""What is held for a strategy that has no signals at a session: its last own book, as prices have moved it since.

A strategy without signals couldn't decide: limits conflict, a covariance is singular, data are missing. What it holds stays, and the others trade theirs. One that wants nothing says so, with weights of 0.

1. The last book is that of its newest session with signals, of the `portfolio.without_signals_sessions` before. Where there is none it has nothing: so that a
   partition is a function of a window, and of no more than it reads. For `WARNED_SESSIONS` before that a check warns.
2. Over the holding period (`netting`) a session without signals counts with that book, moved by prices, in the place of what was wanted.
3. What the strategy has of the targets then is its part of the last book, moved by prices: its shares of its capital, of w, are w g / (1 + sum of w (g - 1)), where g is what the price of an instrument
   has grown by since, total return. A position without a price stays at its last one.
4. Such a position stays as it is, in shares (`allowed_changes`). Where a strategy that does have signals has had a part in the symbol since, its target is traded as any other. Where no strategy has
   signals everything stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, Identities, identities_of
from ats_assets.kernels.weight_limits import Floats
from ats_assets.plugins import Needs
from ats_assets.portfolio.netting import KEYS
from ats_assets.risk.book_history import ACTIONS, closes_before, needs_of_closes

WARNED_SESSIONS: Final = 21
"""A month, for which people are told before what is held without signals is no longer known."""
HELD_UP_SESSIONS: Final = 5
"""In which a symbol is traded before an exit counts as done: none while it is halted, and several where the turnover limit or the volume let only parts of it through."""


def needs_of_held_books(longest: int, kept: int) -> tuple[Needs, ...]:
    """The windows that held books are made from, beside the signals of as many sessions as the bars.

    Parameters
    ----------
    longest
        Holding period, in sessions.
    kept
        Sessions without signals for which a book is known: `portfolio.without_signals_sessions`.
    """
    return tuple(Needs(asset=one.asset, back=one.back + longest - 1) for one in needs_of_closes(kept))


@dataclass(frozen=True, kw_only=True)
class HeldBooks:
    """The books that are held.

    Attributes
    ----------
    frames
        `bars` and `corporate_actions`, of the windows of `needs_of_held_books`.
    days
        Every session of the exchange of these windows.
    kept
        See `needs_of_held_books`.
    """

    frames: Mapping[str, pl.DataFrame]
    days: Sequence[date]
    kept: int

    def last(self, signals: Mapping[str, pl.DataFrame], sessions: Sequence[date]) -> dict[str, dict[date, date]]:
        """Of each strategy its sessions without signals, and of each the newest one of the `kept` before that has some.

        Examples
        --------
        >>> days = [date(2024, 1, i) for i in (2, 3, 4)]
        >>> rows = pl.DataFrame({"session": [days[0], days[2]]})
        >>> HeldBooks(frames={}, days=days, kept=63).last({"mine": rows}, days)
        {'mine': {datetime.date(2024, 1, 3): datetime.date(2024, 1, 2)}}
        """
        place = {day: i for i, day in enumerate(self.days)}
        found: dict[str, dict[date, date]] = {}
        for name, frame in signals.items():
            own = set(frame["session"].unique())
            before = {day: self.days[max(0, place[day] - self.kept) : place[day]] for day in sessions if day not in own}
            newest = {day: next((one for one in reversed(window) if one in own), None) for day, window in before.items()}
            found[name] = {day: last for day, last in newest.items() if last is not None}
        return found

    def moved(self, book: pl.DataFrame, last: date, day: date, capital: float) -> pl.DataFrame:
        """A book as prices have moved it.

        Parameters
        ----------
        book
            symbol, weight; weights as shares of equity, of a strategy that has so much of it.
        last, day
            The session that it is of, and the one that it is wanted for.

        Returns
        -------
        DataFrame
            symbol (at `day`), weight; sorted by symbol, without instruments that have ended.
        """
        known = self.known(day)
        named = [(known.of(symbol, last), weight / (capital or 1.0)) for symbol, weight in book.sort("symbol").iter_rows()]
        rows = sorted((known.symbol(one, day), weight) for one, weight in named if known.of(known.symbol(one, day), day) == one)
        symbols = pl.Series("symbol", [symbol for symbol, _ in rows], dtype=pl.String)
        weights = np.array([weight for _, weight in rows], dtype=np.float64)
        if weights.any():
            grown = self._growth(symbols, last, day)
            whole = 1.0 + float((weights * (grown - 1.0)).sum())
            weights = weights * grown / (whole if whole > 0.0 else 1.0)
        return pl.DataFrame({"symbol": symbols, "weight": weights * capital + 0.0}, schema={"symbol": pl.String, "weight": pl.Float64})

    def until(self, day: date, longest: int) -> "HeldBooks":
        """Those of a session: rows of its own window alone, whatever else is asked for, since a close is carried forward from any bar before."""
        i = self.days.index(day)
        inside = {
            need.asset: pl.col("session").is_between(self.days[max(0, i - need.back)], day)
            for need in needs_of_held_books(longest, self.kept)
        }
        return HeldBooks(
            frames={asset: self.frames[asset].filter(of) for asset, of in inside.items()}, days=self.days[: i + 1], kept=self.kept
        )

    def known(self, day: date) -> Identities:
        """Who bears which ticker, as the changes of name of a session's window tell."""
        i = self.days.index(day)
        since = self.days[max(0, i - self.kept - REPEAT_DAYS)]
        return identities_of(self.frames[ACTIONS].filter(pl.col("session").is_between(since, day)))

    def traded(self, last: date, day: date) -> dict[str, int]:
        """By instrument, the place of the session in which it was traded for the `HELD_UP_SESSIONS`-th time, counted back from `last`; those alone that were traded so often. Named as at `day`."""
        place = {one: i for i, one in enumerate(self.days)}
        bars = self.frames["bars"].filter(pl.col("session") <= last, pl.col("volume") > 0)
        at = (
            self.known(day)
            .named(bars.select("symbol", "session"))
            .select(INSTRUMENT, pl.col("session").replace_strict(place, return_dtype=pl.Int64))
        )
        newest = at.group_by(INSTRUMENT).agg(pl.col("session").top_k(HELD_UP_SESSIONS).sort())
        return {one: sessions[0] for one, sessions in newest.iter_rows() if len(sessions) == HELD_UP_SESSIONS}

    def _growth(self, symbols: pl.Series, last: date, day: date) -> Floats:
        """Of each symbol its price at `day` over that at `last`; 1 where it is not known."""
        closes = closes_before(day, symbols, self.frames, self.days, self.kept)
        with np.errstate(invalid="ignore"):
            grown = closes[-1] / closes[len(closes) - 1 - (self.days.index(day) - self.days.index(last))]
        return np.where(np.isfinite(grown), grown, 1.0)

    def filled(self, signals: Mapping[str, pl.DataFrame], held: Mapping[str, Mapping[date, date]]) -> dict[str, pl.DataFrame]:
        """The signals, with the moved book in each session that has none: symbol, session, target_weight."""
        made = {}
        for name, frame in signals.items():
            own = frame.select("symbol", "session", "target_weight")
            of_session = {last: own.filter(session=last).select("symbol", weight="target_weight") for last in set(held[name].values())}
            parts = [
                self.moved(of_session[last], last, day, 1.0).select("symbol", session=pl.lit(day), target_weight="weight")
                for day, last in held[name].items()
            ]
            made[name] = pl.concat([own, *parts]).sort(KEYS) if parts else own
        return made
