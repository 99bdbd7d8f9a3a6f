"""A strategy of conditions: enter where one holds, leave where another does, in equal bets. What such strategies share; each is a file in `rules/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.plugins import Needs
from ats_assets.settings import Positive, Section, TrainingSettings
from ats_assets.strategies.entered_positions import LONG, SHORT, entered_positions
from ats_assets.strategies.equal_bets import equal_bets
from ats_assets.strategies.price_rows import PLACE, PriceRows, of_members


class EntryRuleSettings(Section):
    """What strategies of conditions share."""

    positions: Positive = Field(
        default=10, description="places of the book, each the same share of equity; what is not taken stays in cash"
    )
    max_sessions: Positive = Field(default=20, description="a position ends so many sessions after the newest entry")
    short: bool = Field(default=False, description="trade the mirrored conditions, too")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """When a side is entered and left; both are conditions on the columns of the rule's expressions. `score` says how much is thought of a position."""

    enter: pl.Expr
    leave: pl.Expr
    score: pl.Expr


class EntryRule:
    """Enter where one condition holds, leave where another does.

    Parameters
    ----------
    name
        The strategy's.
    settings
        Its settings.
    expressions
        What conditions and scores are made of: column -> expression over adjusted bars.
    long, short
        The conditions of a side; of the short one only where it is wanted.
    """

    def __init__(
        self, name: str, settings: EntryRuleSettings, expressions: Mapping[str, str], *, long: Conditions, short: Conditions
    ) -> None:
        self.settings = settings
        self._rows = PriceRows(name, expressions, history=settings.max_sessions)
        self._sides = {LONG: long, SHORT: short} if settings.short else {LONG: long}

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars that the conditions of the longest position look at."""
        return self._rows.needs()

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The positions that are held, as equal bets, and a score of 0 for every other symbol that has its values."""
        values = self._rows.rows(frames, days, sessions)
        found = values.select("symbol", "session", INSTRUMENT, PLACE).sort(INSTRUMENT, PLACE)
        side, score = pl.lit(0, pl.Int8), pl.lit(0.0)
        for which, one in self._sides.items():
            held = entered_positions(values, enter=one.enter, leave=one.leave, max_sessions=self.settings.max_sessions, side=which)
            own = held.with_columns(thought=one.score)
            found = found.with_columns(own["side"].alias(f"side_{which}"), own["thought"].alias(f"thought_{which}"))
            mine = (pl.col(f"side_{which}") != 0) & (side == 0)
            side = pl.when(mine).then(pl.col(f"side_{which}")).otherwise(side)
            score = pl.when(mine).then(pl.col(f"thought_{which}")).otherwise(score)
        wanted = found.with_columns(side=side, score=score).filter(pl.col("score").is_finite())
        return equal_bets(of_members(wanted, frames, sessions).sort("session", "symbol"), self.settings.positions)
