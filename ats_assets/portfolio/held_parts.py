"""The sessions in which some strategy has no signals: what each has of the targets, and which positions stay as they are.

Each such session is made of the signals of its own window alone, whatever else is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.portfolio.allowed_changes import COLUMN
from ats_assets.portfolio.held_books import HeldBooks
from ats_assets.portfolio.netting import KEYS, OwnHoldings

SINCE: Final = "since"
NO_SIGNALS: Final = "no signals since "
"""So begins what is said of a position that is held, after the name of the strategy."""
HELD_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "proposed_weight": pl.Float64,
        "strategies": pl.List(pl.String),
        COLUMN: pl.String,
        SINCE: pl.List(pl.String),
    }
)
"""Columns of `netted`, with what is allowed of each position, and why strategies hold their part of it."""
Parts = Mapping[str, float]
"""Symbol -> weight."""


@dataclass(frozen=True, kw_only=True)
class HeldSession:
    """A session in which some strategy has no signals.

    Attributes
    ----------
    day
        The session.
    signals, capital
        As of `netted`; of the window of the session.
    holding
        Holding period of each strategy.
    longest
        The longest that there may be.
    books
        Of the same window.
    """

    day: date
    signals: dict[str, pl.DataFrame]
    capital: Mapping[str, float]
    holding: Mapping[str, int]
    longest: int
    books: HeldBooks

    @cached_property
    def since(self) -> dict[str, date]:
        """The strategies that hold what they have, and the newest session at which each had signals."""
        return {name: of[self.day] for name, of in self.books.last(self.signals, [self.day]).items() if of}

    @cached_property
    def parts(self) -> dict[str, Parts]:
        """What each strategy has of the targets: of those that hold it moved by prices; none of one that has neither signals nor a book."""
        return {
            name: self._part(name, self.since.get(name, self.day)) for name in self.signals if name in self.since or self._symbols(name)
        }

    def rows(self) -> list[tuple[Any, ...]]:
        """Those of `HELD_SCHEMA`, sorted by symbol."""
        traded, rows = self._traded(), list[tuple[Any, ...]]()
        for symbol in sorted({one for of in self.parts.values() for one in of}):
            having = [name for name, of in self.parts.items() if symbol in of]
            holders = [name for name in having if name in self.since and self.parts[name][symbol] != 0.0]
            stays = self.since.keys() == self.parts.keys() or (bool(holders) and symbol not in traded)
            told = [f"{name}: {NO_SIGNALS}{self.since[name]}, what it held stays" for name in holders]
            total = sum((self.parts[name][symbol] for name in having), 0.0)
            rows.append((symbol, self.day, total + 0.0, having, "none" if stays else "any", told))
        return rows

    def _part(self, name: str, last: date) -> Parts:
        days, place = self.books.days, self.books.days.index(last)
        window = days[max(0, place - self.holding[name] + 1) : place + 1]
        own = {name: self.signals[name]}
        filled = self.books.filled(own, self.books.last(own, window))
        owned = OwnHoldings(
            signals={one: rows.filter(pl.col("session").is_between(window[0], last)) for one, rows in (self.signals | filled).items()},
            capital=self.capital,
            holding={name: {last: self.holding[name]}},
            days=days,
            identities=self.books.known(last),
        )
        own = owned.part(name, [last]).filter(pl.col("symbol").is_in(self.signals[name].filter(session=last)["symbol"].implode()))
        book = own.select("symbol", weight="proposed_weight")
        return dict((book if last == self.day else self.books.moved(book, last, self.day, self.capital[name])).iter_rows())

    def _symbols(self, name: str) -> bool:
        return bool((self.signals[name]["session"] == self.day).any())

    def _traded(self) -> set[str]:
        """What strategies with signals have had a part in since the newest session at which one of the others had some, and what such a strategy was still leaving then (`HeldBooks.traded`)."""
        days, known, found = self.books.days, self.books.known(self.day), set[str]()
        newest = max(self.since.values())
        done = self.books.traded(newest, self.day)
        for name in self.parts.keys() - self.since.keys():
            own = self.signals[name]
            there = sorted(days.index(day) for day in own["session"].unique())
            some = known.named(own.filter(pl.col("target_weight") != 0.0)).group_by(INSTRUMENT).agg(pl.col("session").max())
            for one, last in some.iter_rows():
                first = done.get(one, 0) - self.longest
                begin = max((i for i in there if i <= first), default=0)
                if days.index(last) >= begin:
                    found.add(known.symbol(one, self.day))
        return found


def held_sessions(
    signals: Mapping[str, pl.DataFrame],
    capital: Mapping[str, float],
    *,
    holding: int | Mapping[str, Mapping[date, int]],
    longest: int,
    books: HeldBooks,
    sessions: Sequence[date],
) -> list[HeldSession]:
    """Those of the sessions in which some strategy has no signals and holds what it has, ascending.

    Parameters
    ----------
    signals, capital, holding
        See `ats_assets.portfolio.targets.targets_of`.
    books, longest
        See `HeldSession`; of the windows of all the sessions.
    """
    held = books.last(signals, sessions)
    found = []
    for day in sorted({day for of in held.values() for day in of}):
        i = books.days.index(day)
        days = books.days[max(0, i - books.kept - longest + 1) : i + 1]
        inside = pl.col("session").is_between(days[0], day)
        found.append(
            HeldSession(
                day=day,
                signals={name: frame.select(*KEYS, "target_weight").filter(inside) for name, frame in signals.items()},
                capital=capital,
                holding={name: holding if isinstance(holding, int) else holding[name][day] for name in signals},
                longest=longest,
                books=books.until(day, longest),
            )
        )
    return found


def with_held(made: pl.DataFrame, held: Sequence[HeldSession]) -> pl.DataFrame:
    """Sessions of all strategies, and in their places those in which some of them hold what they have; with the columns of `HELD_SCHEMA`."""
    others = made.filter(~pl.col("session").is_in([one.day for one in held]))
    others = others.with_columns(pl.lit("any").alias(COLUMN), pl.lit([], dtype=pl.List(pl.String)).alias(SINCE))
    rows = pl.DataFrame([row for one in held for row in one.rows()], schema=HELD_SCHEMA, orient="row")
    return pl.concat([others.select(HELD_SCHEMA.names()), rows]).sort(KEYS)
