"""Stops, profit targets and time: a position that has met its exit is left at once, whatever the strategies still want.

The exits are those of `ats_assets.risk.first_exits`: fixed (in per cent of the entry's close, or in ranges), trailing, chandelier (from the highest high since the entry less three average true
ranges, which is on by default), secured, profit targets, stale and time. Each has its reason: which exit, at which session, the close, and the level that it met.

A position begins at the session from which on the rules before this one let its side be held, and it is entered at that session's close; sessions in which no strategy had an opinion end no position
(`ats_assets.risk.past_sides`). The book of each of the last `max_sessions` sessions is looked at, so the rule knows what was wanted and what would have been left, never what an account holds. A stop is
judged by the close, and traded at the next open: what the price does in between is not in it.

What was left is entered again when its side has been given up and comes back. `max_sessions` always holds: a position whose entry is no longer known has no stop, so it is left.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.average_range import range_expression
from ats_assets.risk.book_history import ACTIONS
from ats_assets.risk.exit_settings import ExitSettings
from ats_assets.risk.first_exits import first_exits, told_exits
from ats_assets.risk.held_prices import RANGE, HeldPrices
from ats_assets.risk.past_sides import LONGEST_GAP, PastSides
from ats_assets.risk.rule import BOOKS, all_allowed, session_by_session, weighed_anew
from ats_assets.settings import Positive


class StopsSettings(ExitSettings):
    """When a position is left."""

    max_sessions: Positive = Field(default=252, description="a position is left after so many sessions")
    peak_of: Literal["close", "high"] = Field(
        default="high", description="the highest price since the entry: of closes, or of highs (the chandelier exit as LeBeau has it)"
    )
    range_of: Literal["session", "entry"] = Field(
        default="entry",
        description="whose range stop and target are of: each session's, so that they widen when markets do, or the entry's, so that their levels stand",
    )


class Stops:
    """Leave positions."""

    def __init__(self, settings: StopsSettings) -> None:
        self.settings = settings
        self.past_books = settings.max_sessions + LONGEST_GAP
        self._prices = HeldPrices(range_expression(settings.unit, settings.atr_sessions), settings.max_sessions)

    def needs(self) -> tuple[Needs, ...]:
        """The bars since the earliest entry, and the corporate actions of these and of the past books."""
        bars, actions = self._prices.needs()
        return bars, Needs(asset=ACTIONS, back=max(actions.back, self.past_books + REPEAT_DAYS))

    def apply(
        self, proposed: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]
    ) -> pl.DataFrame:
        """The weights, those of positions that have met an exit 0."""
        if not (proposed["weight"] != 0.0).any():
            return all_allowed(proposed)
        known = identities_of(frames[ACTIONS])
        past = PastSides(frames[BOOKS], days, known, self.settings.max_sessions)
        panel, place = self._prices.panel(frames, days, sessions), {day: i for i, day in enumerate(days)}

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            weights = rows["weight"].to_numpy().copy()
            held = np.flatnonzero(weights)
            instruments = [known.of(symbol, session) for symbol in rows["symbol"].gather(held)]
            sides, prices = past.sides(place[session], instruments), panel.window(session, instruments)
            found = first_exits(sides, prices["close"], prices["high"], prices["low"], prices[RANGE], self.settings)
            at = [place[session]] * len(held)
            told = told_exits(found, sides[:, 0], days, at, np.ones(len(held)), self.settings)
            reasons: list[str | None] = [None] * len(weights)
            for i, reason in zip(held, told, strict=True):
                reasons[i] = reason
            weights[held[found.left]] = 0.0
            return weighed_anew(rows, weights, reasons)

        return session_by_session(proposed, judge)


PLUGIN = Plugin(settings=StopsSettings, make=Stops, quick={"max_sessions": 5, "atr_sessions": 2})
