"""Every decision of a session reproduced, after the close, from what is stored of its market, and compared row by row with what was recorded.

1. The journal says in which order things were heard, and what the broker told. What it says of the market is not believed: each bar and quote is taken from the store.
2. The steps are repeated by the function that made them, and each decision is compared with the recorded one: `same`, or `different`.
3. Where the store says something else of a bar than the stream did, a decision that follows it and differs for it is `restated`: it was right by what was known then.
4. What was stored and not heard in time is named beside each decision that it might have changed (`late`): the decision was made on what was known at its time, and stays `same`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

import polars as pl

from ats_assets.live.day_market import StoredMarket
from ats_assets.live.intake import Intake
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.market_state import MINUTE
from ats_assets.live.session_journal import DecidedRow, Heard
from ats_assets.live.step import LiveDecision, begin, step
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.trade_state.journal_text import to_text

SAME, DIFFERENT, RESTATED = "same", "different", "restated"
_PROMPT = timedelta(seconds=30)
"""A bar that was heard so soon after its end was in time."""
_FRESH = timedelta(minutes=5)
"""After which a bar that is never heard is no longer named beside each decision; `missing` names it for good."""
_NAMED = 5
_VALUES = ("open", "high", "low", "close", "volume")
COMPARED = pl.Schema(
    {
        "number": pl.Int64,
        "decided_at": pl.Datetime("us", "UTC"),
        "what": pl.String,
        "subject": pl.String,
        "symbol": pl.String,
        "reason": pl.String,
        "again": pl.String,
        "verdict": pl.String,
        "restated": pl.String,
        "late": pl.String,
        "known_at": pl.Datetime("us", "UTC"),
    }
)
"""`again` is what is decided now, where that is something else; `known_at` when the newest of what was late was heard, null where it never was."""


@dataclass(kw_only=True)
class _Store:
    """What is stored, by key, and how what was heard differs."""

    bars: Mapping[tuple[str, datetime], tuple[float, ...]]
    quotes: set[tuple[str, datetime, float, float]]
    restated: dict[str, list[str]] = field(default_factory=dict)
    """By symbol, what the stream said otherwise."""
    unstored: int = 0

    @classmethod
    def of(cls, market: StoredMarket) -> "_Store":
        bars = {(symbol, starts_at): tuple(values) for symbol, starts_at, *values in market.bars.iter_rows()}
        return cls(bars=bars, quotes=set(market.quotes.select("symbol", "at", "bid", "ask").iter_rows()))

    def instead(self, event: StreamEvent) -> StreamEvent:
        """The event as the store has it."""
        symbol = event.symbol or ""
        if event.kind is EventKind.BAR:
            found = self.bars.get((symbol, event.fields["starts_at"]))
            if found is None:
                self.unstored += 1
                return event
            heard = tuple(event.fields[name] for name in _VALUES)
            if heard != found:
                self.restated.setdefault(symbol, []).append(
                    f"{symbol} {event.fields['starts_at']:%H:%M}: {_values(heard)} is now {_values(found)}"
                )
            return replace(event, fields={**event.fields, **dict(zip(_VALUES, found, strict=True))})
        if event.kind is EventKind.QUOTE and (symbol, event.fields["at"], event.fields["bid"], event.fields["ask"]) not in self.quotes:
            self.unstored += 1
        return event


def _values(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The comparison.

    Attributes
    ----------
    rows
        `COMPARED`, one a decision.
    unstored
        Bars and quotes that were heard and are not stored: taken as they were heard.
    missing
        Bars that are stored of the followed symbols, and were never heard.
    """

    rows: pl.DataFrame
    unstored: int
    missing: tuple[str, ...]

    @property
    def differences(self) -> pl.DataFrame:
        """The rows that differ, and not by a restatement."""
        return self.rows.filter(verdict=DIFFERENT)

    @property
    def summary(self) -> str:
        """In a sentence."""
        counts = dict(self.rows.group_by("verdict").len().iter_rows())
        late = self.rows.filter(pl.col("late").is_not_null()).height
        told = f"{self.rows.height} decisions reproduced: {counts.get(DIFFERENT, 0)} differences"
        more = [(counts.get(RESTATED, 0), "restated"), (late, "made without data that came later"), (len(self.missing), "bars never heard")]
        return ", ".join([told, *(f"{count} {what}" for count, what in more if count)])


def as_decided(heard: Sequence[Heard], decided: Sequence[DecidedRow], rules: LiveRules, market: StoredMarket) -> Compared:
    """Compare what was decided with what is decided again.

    Parameters
    ----------
    rules
        Those that the session was decided by.
    market
        What is stored of it.
    """
    store, late = _Store.of(market), _Lateness.of(heard, market, rules)
    recorded: dict[int, list[DecidedRow]] = {}
    for one in decided:
        recorded.setdefault(one.after, []).append(one)
    rows = []
    for number, at, made in _again(heard, rules, store):
        before = recorded.get(number, [])
        rows += [_row(one, again, at, store, late) for one, again in zip_longest(before, made)]
    frame = pl.DataFrame(rows, schema=COMPARED, orient="row")
    return Compared(rows=frame, unstored=store.unstored, missing=late.missing)


def _again(heard: Sequence[Heard], rules: LiveRules, store: _Store) -> Iterator[tuple[int, datetime, tuple[LiveDecision, ...]]]:
    if not heard:
        return
    state = begin(rules, heard[0].event.known_at)
    for one in heard:
        refused = Intake(one.verdict).refused
        made = step(state, one.event if refused else store.instead(one.event), rules)
        state = made.state
        yield one.number, one.event.known_at, made.decisions


def _row(before: DecidedRow | None, again: LiveDecision | None, at: datetime, store: _Store, late: "_Lateness") -> tuple[Any, ...]:
    shown = before.decision if before else again
    assert shown is not None, "one of both is there"
    same = before is not None and again is not None and _words(before.decision) == _words(again)
    of = [shown.symbol] if shown.symbol else list(store.restated)
    restated = "; ".join(text for symbol in of for text in store.restated.get(symbol, [])[-_NAMED:]) or None
    verdict = SAME if same else RESTATED if restated else DIFFERENT
    names, known_at = late.at(shown.symbol, at)
    return (
        before.number if before else None,
        at,
        shown.what.value,
        shown.subject,
        shown.symbol,
        shown.reason,
        None if same else _told(again),
        verdict,
        restated,
        names,
        known_at,
    )


def _words(made: LiveDecision) -> tuple[str, ...]:
    return made.what.value, made.subject, made.symbol or "", made.reason, to_text(made.fields)


def _told(made: LiveDecision | None) -> str:
    return "nothing" if made is None else f"{made.what.value}: {made.reason} {to_text(made.fields)}"


@dataclass(frozen=True, kw_only=True)
class _Lateness:
    """Bars that were stored and not heard in time: symbol, end, when heard."""

    bars: Sequence[tuple[str, datetime, datetime | None]]

    @classmethod
    def of(cls, heard: Sequence[Heard], market: StoredMarket, rules: LiveRules) -> "_Lateness":
        taken = (one for one in heard if one.event.kind is EventKind.BAR and not Intake(one.verdict).refused)
        first: dict[tuple[str, datetime], datetime] = {}
        for one in taken:
            first.setdefault((one.event.symbol or "", one.event.fields["starts_at"]), one.event.known_at)
        followed = {symbol for symbol, _ in first}
        begun, ended = (one.event.known_at for one in (heard[0], heard[-1])) if heard else (rules.closes_at, rules.opens_at)
        late = [
            (symbol, starts_at + MINUTE, first.get((symbol, starts_at)))
            for symbol, starts_at in market.bars.select("symbol", "starts_at").iter_rows()
            if symbol in followed and rules.opens_at <= starts_at < rules.closes_at and begun <= starts_at + MINUTE <= ended
        ]
        return cls(bars=[one for one in late if one[2] is None or one[2] > one[1] + _PROMPT])

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that were never heard."""
        return tuple(f"{symbol} {ends - MINUTE:%H:%M}" for symbol, ends, known in self.bars if known is None)

    def at(self, symbol: str | None, at: datetime) -> tuple[str | None, datetime | None]:
        """What was not known at an instant though it had happened; and when it was, null where never."""
        found = [
            (name, ends, known)
            for name, ends, known in self.bars
            if (symbol is None or name == symbol) and ends + _PROMPT < at and (ends + _FRESH >= at if known is None else known > at)
        ]
        if not found:
            return None, None
        told = ", ".join(f"{name} {ends - MINUTE:%H:%M}" for name, ends, _ in found[-_NAMED:])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return told + more, max((known for _, _, known in found if known is not None), default=None)
