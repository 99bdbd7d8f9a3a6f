"""What strategies over prices share: expressions over the adjusted bars of each symbol, of the sessions that are wanted and of some before them.

A strategy says what it looks at as expressions (`docs/expressions.md`), and how many earlier sessions' values it needs beside the session's own. Prices are adjusted for splits
and payments as they were known at each session, and a window follows the instrument through a change of its ticker.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, identities_of
from ats_assets.features.family import FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.plugins import Needs
from ats_assets.settings import NonNegative, Positive, Section

PLACE = "place"
"""The column with a session's place among the days."""


class PriceRows:
    """The values of expressions over adjusted bars.

    Parameters
    ----------
    name
        What messages about an expression call it.
    expressions
        Name of a column -> expression.
    history
        How many sessions before the wanted ones have rows, too.
    """

    def __init__(self, name: str, expressions: Mapping[str, str], *, history: int = 0) -> None:
        self._family = FeatureFamily(name=name, expressions=expressions, origin=f"the strategy {name}")
        self._history = history

    @property
    def back(self) -> int:
        """How many sessions before a wanted one are read."""
        return self._family.lookback + self._history

    def needs(self) -> tuple[Needs, ...]:
        """The windows that the values come from, and who is tradable."""
        back = self.back
        return (
            Needs(asset="bars", back=back),
            Needs(asset="corporate_actions", back=max(0, back - 1) + REPEAT_DAYS),
            Needs(asset="universe"),
        )

    def rows(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """The values at each session that is wanted or lies at most `history` before one.

        Returns
        -------
        polars.DataFrame
            symbol, session, instrument (who bore the ticker), place (of the session among `days`), and a Float64 column an expression; null where it has no value. Values of a session
            whose own windows begin before `days` are not given.
        """
        bars = frames["bars"]
        if bars.is_empty():
            return pl.DataFrame(schema=self._schema(bars))
        first = bars["session"].min()
        calendar = [day for day in days if day >= first]  # pyright: ignore[reportOperatorIssue] - sessions are dates
        position = {day: i for i, day in enumerate(days)}
        since = max(0, position[sessions[0]] - self._history)
        wanted = [day for day in days[since:] if day >= calendar[0] and day <= sessions[-1]]
        values = features_of(
            self._family, bars, frames["corporate_actions"], calendar=calendar, sessions=wanted, adjust="splits_and_dividends"
        )
        known = identities_of(frames["corporate_actions"]).named(values)
        columns = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in self._family.factors]
        placed = known.with_columns(*columns, pl.col("session").replace_strict(position, return_dtype=pl.Int64).alias(PLACE))
        return placed.select("symbol", "session", INSTRUMENT, PLACE, *self._family.factors)

    def _schema(self, bars: pl.DataFrame) -> pl.Schema:
        keys = {"symbol": bars.schema["symbol"], "session": pl.Date, INSTRUMENT: pl.String, PLACE: pl.Int64}
        return pl.Schema({**keys, **dict.fromkeys(self._family.factors, pl.Float64)})


def of_members(rows: pl.DataFrame, frames: Mapping[str, pl.DataFrame], sessions: Sequence[date]) -> pl.DataFrame:
    """Those of the wanted sessions that are tradable then."""
    members = frames["universe"].filter(pl.col("session").is_in(list(sessions))).select("symbol", "session")
    return rows.join(members, on=["symbol", "session"], how="semi", maintain_order="left")


class PastReturnSettings(Section):
    """The window of a past return."""

    lookback_sessions: Positive = Field(default=252, description="sessions before the signal at which the return begins")
    skip_sessions: NonNegative = Field(default=0, description="sessions before the signal at which it ends")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.skip_sessions >= self.lookback_sessions:
            raise ValueError(f"skip_sessions ({self.skip_sessions}) must be less than lookback_sessions ({self.lookback_sessions})")
        return self


def past_return(begin: int, end: int) -> str:
    """The expression of the total return from `begin` to `end` sessions before.

    Examples
    --------
    >>> past_return(252, 21), past_return(20, 0)
    ('Ref($close, 21) / Ref($close, 252) - 1', '$close / Ref($close, 20) - 1')
    """
    return f"Ref($close, {end}) / Ref($close, {begin}) - 1" if end else f"$close / Ref($close, {begin}) - 1"
