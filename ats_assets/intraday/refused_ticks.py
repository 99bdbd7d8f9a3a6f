"""The vintages of a session's ticks, or of its chains, screened one after the other, and those that nobody is to read.

As of bars (`bars.refusal`): a vintage with a larger share of faults than allowed is refused where the session has a sound one. Ticks outside of the hours, cancelled trades and quotes
that are not firm are no faults of the delivery.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import polars as pl

from ats_assets.intraday.tick_rules import NO_FAULT
from ats_assets.orchestration.streaming import SessionRows

Delivered = TypeVar("Delivered")
HELD_ROWS = 2_000_000
"""Rejected ticks that are held for the second asset while the first is written; those of further sessions are found again."""


@dataclass(frozen=True, kw_only=True)
class Screened:
    """What is accepted and what is rejected of one vintage."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def faulty_share(accepted: int, reasons: pl.Series, no_fault: Collection[str] = NO_FAULT) -> float:
    """Of the rows that could have been good, the share of those that are not: with a reason that is a fault of the delivery.

    Parameters
    ----------
    accepted
        How many are good.
    reasons
        Of each of the others.
    no_fault
        Reasons that say nothing against the delivery.

    Examples
    --------
    >>> faulty_share(2, pl.Series([["outside_hours"], ["outside_hours", "price_missing"], ["duplicate"]]))
    0.5
    """
    faults = int((reasons.list.set_difference(list(no_fault)).list.len() > 0).sum())
    return faults / (accepted + faults) if faults else 0.0


def reasons_by_count(reasons: pl.Series) -> dict[str, int]:
    """How many ticks have each reason, most frequent first.

    Examples
    --------
    >>> reasons_by_count(pl.Series([["crossed"], ["crossed", "suspicious"]]))
    {'crossed': 2, 'suspicious': 1}
    """
    counts = reasons.explode(empty_as_null=False).drop_nulls().value_counts()
    return dict(sorted(counts.iter_rows(), key=lambda item: (-item[1], item[0])))


class ScreenedVintages(Generic[Delivered]):
    """The ticks, chains or flow of sessions, screened one session after the other, since they are many; where they are few see `orchestration.reading.screened`.

    Parameters
    ----------
    delivered
        Sessions -> each session with its rows, and what is needed beside them, by the stamp of each vintage.
    screen
        Of one vintage of one session.
    limit
        The share of faults above which a vintage is refused, unless all of its session are.
    no_fault
        Reasons that say nothing against the delivery.
    """

    def __init__(
        self,
        delivered: Callable[[Sequence[date]], Iterator[tuple[date, Mapping[str, Delivered]]]],
        screen: Callable[[Delivered], Screened],
        *,
        limit: float,
        no_fault: Collection[str] = NO_FAULT,
    ) -> None:
        self._delivered = delivered
        self._screen = screen
        self._limit = limit
        self._no_fault = no_fault
        self._held: dict[date, list[SessionRows]] = {}
        self._reasons: Counter[str] = Counter()

    def accepted(self, sessions: Sequence[date]) -> Iterator[SessionRows]:
        """The accepted ticks of each vintage, session by session."""
        held = 0
        for kept, others in self._made(sessions):
            height = sum(part.rows.height for part in others)
            for part in others:
                self._reasons.update(reasons_by_count(part.rows["reasons"]))
            if held + height <= HELD_ROWS:
                held += height
                self._held[others[0].session] = others
            yield from kept

    def rejected(self, sessions: Sequence[date]) -> Iterator[SessionRows]:
        """The rejected ticks likewise."""
        for session in sessions:
            if session in self._held:
                yield from self._held.pop(session)
                continue
            for _, others in self._made([session]):
                yield from others

    def table(self) -> str:
        """How many ticks have each reason, of those that were accepted or rejected so far; Markdown."""
        lines = [f"| {reason} | {count:,} |" for reason, count in sorted(self._reasons.items(), key=lambda item: (-item[1], item[0]))]
        return "\n".join(["| reason | rows |", "|---|---|", *lines]) if lines else "none"

    def _made(self, sessions: Sequence[date]) -> Iterator[tuple[list[SessionRows], list[SessionRows]]]:
        for session, vintages in self._delivered(sessions):
            made = {stamp: self._screen(rows) for stamp, rows in vintages.items()}
            over = {
                stamp
                for stamp, one in made.items()
                if faulty_share(one.accepted.height, one.rejected["reasons"], self._no_fault) > self._limit
            }
            refused = over if len(over) < len(made) else set()
            how = [(stamp, {"session": session, "stamp": stamp, "refused": stamp in refused}) for stamp in made]
            yield (
                [SessionRows(rows=made[stamp].accepted, **said) for stamp, said in how],
                [SessionRows(rows=made[stamp].rejected, **said) for stamp, said in how],
            )
