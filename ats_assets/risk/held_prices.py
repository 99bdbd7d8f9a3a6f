"""Prices of what is held, over windows that end with a session: adjusted as they were known at it, following an instrument through a change of its ticker."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, identities_of
from ats_assets.features.family import FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.plugins import Needs
from ats_assets.risk.book_history import ACTIONS

Floats = NDArray[np.float64]
FIELDS: Final = ("close", "high", "low")
RANGE: Final = "range"


class HeldPrices:
    """What is read for such windows.

    Parameters
    ----------
    expression
        Of a figure in the quote currency, such as an average true range, that is wanted beside close, high and low.
    back
        How many sessions before the last one of a window are in it.
    """

    def __init__(self, expression: str, back: int) -> None:
        self._family = FeatureFamily(name="held_prices", expressions={RANGE: f"{expression} / $close"}, origin="a risk rule")
        self.back = back

    def needs(self) -> tuple[Needs, ...]:
        """The bars of a window and of the look-back of its first session, and the corporate actions that tell of them."""
        back = self.back + self._family.lookback
        return Needs(asset="bars", back=back), Needs(asset=ACTIONS, back=max(0, back - 1) + REPEAT_DAYS)

    def panel(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> "HeldPanel":
        """The prices of the windows of sessions, which are some of `days`, ascending."""
        bars, actions = frames["bars"], frames[ACTIONS]
        known = identities_of(actions)
        rows = known.named(bars)
        factors = adjustments(known.of_actions(actions), rows, "splits_and_dividends")
        first = bars["session"].min() if bars.height else None
        calendar = [day for day in days if first is not None and day >= first]  # pyright: ignore[reportOperatorIssue] - sessions are dates
        wanted = [day for day in days[max(0, days.index(sessions[0]) - self.back) :] if calendar and day >= calendar[0]]
        ranges = (
            features_of(self._family, bars, actions, calendar=calendar, sessions=wanted, adjust="splits_and_dividends") if wanted else None
        )
        return HeldPanel(days, rows, factors, None if ranges is None else known.named(ranges), self.back)


class HeldPanel:
    """Prices as they were traded, and what scales them, of shape (n_sessions, n_instruments)."""

    def __init__(self, days: Sequence[date], rows: pl.DataFrame, factors: pl.DataFrame, ranges: pl.DataFrame | None, back: int) -> None:
        self._place = {day: i for i, day in enumerate(days)}
        self._column = {one: i for i, one in enumerate(rows[INSTRUMENT].unique().sort())}
        self._back = back
        self._traded = {name: self._spread(rows, name, np.nan) for name in FIELDS}
        self._ranges = np.full((len(days), len(self._column)), np.nan) if ranges is None else self._spread(ranges, RANGE, np.nan)
        self._factors = self._spread(factors.filter(pl.col(INSTRUMENT).is_in(list(self._column))), "price", 1.0)

    def _spread(self, rows: pl.DataFrame, name: str, nothing: float) -> Floats:
        made = np.full((len(self._place), len(self._column)), nothing)
        inside = rows.filter(pl.col("session").is_in(list(self._place)))
        at = [self._place[day] for day in inside["session"]], [self._column[one] for one in inside[INSTRUMENT]]
        made[at] = inside[name].cast(pl.Float64).fill_null(nothing).to_numpy()
        return made

    def window(self, session: date, instruments: Sequence[str]) -> dict[str, Floats]:
        """Close, high, low and range over the window that ends with a session, as known at it.

        Returns
        -------
        dict of ndarray
            Each of shape (n_instruments, back + 1), newest first; NaN where there was no bar.
        """
        last, width = self._place[session], self._back + 1
        columns = np.array([self._column.get(one, -1) for one in instruments], dtype=np.intp)
        factors = self._taken(self._factors, last, columns, 1.0)
        later = np.ones((len(columns), width))  # the factors of the sessions after each
        later[:, 1:] = np.cumprod(factors[:, :-1], axis=1)
        found = {name: self._taken(self._traded[name], last, columns, np.nan) * later for name in FIELDS}
        return found | {RANGE: self._taken(self._ranges, last, columns, np.nan) * found["close"]}

    def _taken(self, panel: Floats, last: int, columns: NDArray[np.intp], nothing: float) -> Floats:
        """The values up to a session, of shape (n_instruments, back + 1), newest first."""
        made = np.full((len(columns), self._back + 1), nothing)
        part = panel[max(0, last - self._back) : last + 1][::-1]
        if panel.shape[1]:
            made[:, : len(part)] = np.where(columns >= 0, part[:, columns], nothing).T
        return made
