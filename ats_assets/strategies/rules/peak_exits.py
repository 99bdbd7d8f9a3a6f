"""Exits for another strategy's positions: a peak detector, stops and targets that adapt to volatility, and time.

The primary strategy says when to be in. Of each of its positions this one follows the close since the entry, and leaves where the first of the exits of `ats_assets.risk.first_exits` happens; the
signal's reason says which, at which session, and the level that the close met. The risk rule `stops` has the same exits for whatever is held, of all strategies together.

Where the primary strategy has no signals its last book goes on (`ats_assets.strategies.resting_primary`), and so do the exits from it.

A range is that of each session, so that stops widen when markets do (`range_of`). Prices are adjusted as they were known at the session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, Identities, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.average_range import range_expression
from ats_assets.risk.book_history import ACTIONS
from ats_assets.risk.exit_settings import ExitSettings
from ats_assets.risk.first_exits import first_exits, told_exits
from ats_assets.risk.past_sides import PastSides
from ats_assets.settings import Name, Positive, TrainingSettings
from ats_assets.strategies.price_rows import PLACE, PriceRows
from ats_assets.strategies.resting_primary import followed_books, widened_needs
from ats_assets.strategies.strategy import signals_of

Floats = NDArray[np.float64]
CLOSE = "close_now"


class PeakExitsSettings(ExitSettings):
    """Whose positions are followed, and when they are left."""

    primary: Name = Field(default="momentum", description="another one of [strategies.<name>], whose capital may be 0")
    without_signals_sessions: Positive = Field(default=63, description="as in [portfolio], from where it is taken")


class PeakExits:
    """Leave another strategy's positions."""

    gives_reasons = True

    def __init__(self, settings: PeakExitsSettings) -> None:
        self.settings = settings
        scale = range_expression(settings.unit, settings.atr_sessions)
        fields = {"c": "$close", "r": scale} | ({"h": "$high", "l": "$low"} if settings.peak_of == "high" else {})
        self._fields = tuple(fields)
        back = range(settings.max_sessions + 1)
        shares = {f"{name}{k}": f"{f'Ref({of}, {k})' if k else of} / $close" for name, of in fields.items() for k in back}
        self._rows = PriceRows("peak_exits", {**shares, CLOSE: "$close"})

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The primary strategy's signals since the earliest entry, and the bars."""
        past, kept = self.settings.max_sessions, self.settings.without_signals_sessions
        others = tuple(
            replace(one, back=max(one.back, past + kept + REPEAT_DAYS)) if one.asset == ACTIONS else one for one in self._rows.needs()
        )
        return widened_needs(signals_of(self.settings.primary), others, kept, past)

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The primary strategy's scores and target weights; of a position that was left a weight of 0, and the reason."""
        place = {day: i for i, day in enumerate(days)}
        known, kept = identities_of(frames[ACTIONS]), self.settings.without_signals_sessions
        primary = followed_books(frames[signals_of(self.settings.primary)], frames, days, sessions, kept=kept, past=0)
        signals = primary.rows.with_columns(pl.col("session").replace_strict(place, return_dtype=pl.Int64).alias(PLACE))
        wanted = signals.filter(pl.col("session").is_in(primary.judged))
        values = self._rows.rows(frames, days, primary.judged).drop(INSTRUMENT, PLACE)
        rows = wanted.join(values, on=["symbol", "session"], how="left", maintain_order="left")
        past = PastSides(primary.own.rename({"target_weight": "weight"}), days, known, self.settings.max_sessions, kept)
        sides = self._sides(past, known, rows)
        panels = {name: self._panel(rows, name) for name in self._fields}
        closes = panels["c"]
        found = first_exits(sides, closes, panels.get("h", closes), panels.get("l", closes), panels["r"], self.settings)
        told = told_exits(found, sides[:, 0], days, rows[PLACE].to_list(), rows[CLOSE].fill_null(float("nan")).to_numpy(), self.settings)
        left = rows.with_columns(left=pl.Series(found.left, dtype=pl.Boolean), reason=pl.Series(told, dtype=pl.String))
        score = pl.when("left").then(0.0).otherwise("score")
        weight = pl.when("left").then(0.0).otherwise("target_weight")
        judged = left.select("symbol", "session", "model_session", "reason", score=score, target_weight=weight + 0.0)
        return primary.emitted(judged, sessions)

    def _sides(self, past: PastSides, known: Identities, rows: pl.DataFrame) -> Floats:
        """The side of each row's instrument at its session and at each of the `max_sessions` before: of shape (n_rows, max_sessions + 1), newest first."""
        parts = rows.select("symbol", "session", PLACE).partition_by("session", as_dict=True, maintain_order=True)
        found = [past.sides(part[PLACE][0], [known.of(symbol, day) for symbol in part["symbol"]]) for (day,), part in parts.items()]
        return np.concatenate(found) if found else np.zeros((0, self.settings.max_sessions + 1))

    def _panel(self, rows: pl.DataFrame, name: str) -> Floats:
        """A field at each row's session and the `max_sessions` before, over the close of the row: of shape (n_rows, max_sessions + 1), newest first."""
        return rows.select(f"{name}{k}" for k in range(self.settings.max_sessions + 1)).to_numpy().astype(np.float64)


PLUGIN = Plugin(settings=PeakExitsSettings, make=PeakExits, quick={"max_sessions": 3, "atr_sessions": 2})
