"""Exits for another strategy's positions: a peak detector, stops and targets that adapt to volatility, and time.

The primary strategy says when to be in. Of each of its positions this one follows the close since the entry, and leaves where the first of these happens:

- **peak**: the close has fallen `peak_atr` ranges below the highest close since the entry, which had risen `least_rise_atr` above it (a trailing or chandelier exit, once there is
  something to keep);
- **stop**: it is `stop_atr` ranges below the entry's close; once the close has been `secure_atr` above the entry, it is at the entry;
- **target**: it is `target_atr` above it;
- **stale**: there was no new highest close for `stale_sessions`;
- **time**: it has been held for `max_sessions`.

A position that was left is not entered again until the primary strategy has been flat in the symbol, or has changed the side. For a short position all of it is mirrored. A range is the average true range
(`unit = "atr"`), or the standard deviation of the returns times the close (`unit = "volatility"`), that of each session, so that stops widen when markets do. With `tighten_per_session` peak, stop and target come nearer by
that share of their distance for each session held, down to `least_share` of it: what has not paid by now must pay sooner. Prices are adjusted as they were known at the session. An entry lies at most `max_sessions` back: what was before does not count, so that the
position of a session can be told from its own window.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Name, Positive, Section, TrainingSettings
from ats_assets.strategies.price_rows import PLACE, PriceRows
from ats_assets.strategies.strategy import signals_of

Floats = NDArray[np.float64]


class PeakExitsSettings(Section):
    """Whose positions are followed, and when they are left. A figure that is not given does not end a position."""

    primary: Name = Field(default="momentum", description="another one of [strategies.<name>], whose capital may be 0")
    unit: Literal["atr", "volatility"] = Field(default="atr", description="of a range: average true range, or deviation of returns")
    max_sessions: Positive = Field(default=60, description="a position is left after so many sessions")
    atr_sessions: Positive = Field(default=14, description="of the average true range, or of the deviation")
    peak_atr: float | None = Field(default=3.0, gt=0, description="true ranges below the highest close since the entry")
    least_rise_atr: float = Field(
        default=0.0, ge=0, description="true ranges that the highest close must be above the entry, for it to be a peak"
    )
    stop_atr: float | None = Field(default=None, gt=0, description="true ranges below the entry's close")
    target_atr: float | None = Field(default=None, gt=0, description="true ranges above it")
    secure_atr: float | None = Field(default=None, gt=0, description="ranges above the entry from which on the stop is at the entry")
    tighten_per_session: float = Field(
        default=0.0, ge=0, lt=1, description="share of their distance by which peak, stop and target come nearer"
    )
    least_share: float = Field(default=0.25, gt=0, le=1, description="of their distance that stays")
    stale_sessions: Positive | None = Field(default=None, description="sessions without a new highest close")


class PeakExits:
    """Leave another strategy's positions."""

    def __init__(self, settings: PeakExitsSettings) -> None:
        self.settings = settings
        before = "Ref($close, 1)"
        true_range = f"If({before} > 0, Greater($high, {before}) - Less($low, {before}), $high - $low)"
        span = 2 * settings.atr_sessions - 1
        average = f"EMA({true_range}, {span})"
        deviation = f"Std($close / {before} - 1, {settings.atr_sessions}) * $close"
        self.scale = scale = average if settings.unit == "atr" else deviation
        """The expression of a range, in the quote currency."""
        back = range(settings.max_sessions + 1)
        closes = {f"c{k}": f"Ref($close, {k}) / $close" if k else "$close / $close" for k in back}
        ranges = {f"r{k}": f"Ref({scale}, {k}) / $close" if k else f"{scale} / $close" for k in back}
        self._rows = PriceRows("peak_exits", closes | ranges)

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The primary strategy's signals since the earliest entry, and the bars."""
        return (Needs(asset=signals_of(self.settings.primary), back=self.settings.max_sessions), *self._rows.needs())

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The primary strategy's scores and target weights; of a position that was left a weight of 0."""
        place = {day: i for i, day in enumerate(days)}
        known = identities_of(frames["corporate_actions"])
        signals = known.named(frames[signals_of(self.settings.primary)]).with_columns(
            pl.col("session").replace_strict(place, return_dtype=pl.Int64).alias(PLACE), side=pl.col("target_weight").sign().fill_null(0.0)
        )
        wanted = signals.filter(pl.col("session").is_in(list(sessions))).sort("session", "symbol")
        values = self._rows.rows(frames, days, sessions).drop(INSTRUMENT, PLACE)
        rows = wanted.join(values, on=["symbol", "session"], how="left", maintain_order="left")
        sides = self._sides(signals, rows)
        closes, ranges = (
            rows.select(f"{kind}{k}" for k in range(self.settings.max_sessions + 1)).to_numpy().astype(np.float64) for kind in ("c", "r")
        )
        left = exited(sides, closes, ranges, self.settings)
        kept = rows.with_columns(left=pl.Series(left, dtype=pl.Boolean))
        score = pl.when("left").then(0.0).otherwise("score")
        weight = pl.when("left").then(0.0).otherwise(pl.col("target_weight").fill_null(0.0))
        return kept.select("symbol", "session", score=score, target_weight=weight + 0.0, model_session="model_session")

    def _sides(self, signals: pl.DataFrame, rows: pl.DataFrame) -> Floats:
        """The side of each row's instrument at its session and at each of the `max_sessions` before: of shape (n_rows, max_sessions + 1), newest first."""
        lags = pl.DataFrame({"lag": range(self.settings.max_sessions + 1)}, schema={"lag": pl.Int64})
        keys = rows.select(INSTRUMENT, PLACE).with_row_index("row")
        past = keys.join(lags, how="cross").with_columns(pl.col(PLACE) - pl.col("lag"))
        found = past.join(signals.select(INSTRUMENT, PLACE, "side").unique([INSTRUMENT, PLACE]), on=[INSTRUMENT, PLACE], how="left")
        ordered = found.sort("row", "lag")["side"].fill_null(0.0).to_numpy()
        return ordered.reshape(rows.height, self.settings.max_sessions + 1)


def exited(sides: Floats, closes: Floats, ranges: Floats, settings: PeakExitsSettings) -> NDArray[np.bool_]:
    """Whether a position has been left at its session or before.

    Parameters
    ----------
    sides
        ndarray of shape (n_rows, n_back + 1), newest first: 1, -1 or 0, what the primary strategy held at each session.
    closes, ranges
        Of the same shape: closes and average true ranges, in any unit that a row's own have in common; NaN where there was no bar.
    settings
        When a position is left.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
        False where there is no position.

    Examples
    --------
    >>> import numpy as np
    >>> held, closes = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([[100.0, 110.0, 100.0, 90.0]])
    >>> exited(held, closes, np.full((1, 4), 4.0), PeakExitsSettings(max_sessions=3, peak_atr=2.0)).tolist()
    [True]
    >>> exited(held, closes, np.full((1, 4), 6.0), PeakExitsSettings(max_sessions=3, peak_atr=2.0)).tolist()
    [False]
    """
    n, width = sides.shape
    side = sides[:, 0]
    run = np.logical_and.accumulate((sides == side[:, None]) & (side[:, None] != 0), axis=1)
    length = run.sum(axis=1)
    left = (length == width) & (side != 0)  # entered before the window: held for longer than max_sessions
    entry = np.full(n, np.nan)
    peak, since_peak = np.full(n, -np.inf), np.zeros(n, np.int64)
    age, secured = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    with np.errstate(invalid="ignore"):
        for k in range(width - 1, -1, -1):
            here = run[:, k] & np.isfinite(closes[:, k])
            value = side * closes[:, k]
            entry = np.where(here & np.isnan(entry), value, entry)
            higher = here & (value > peak)
            peak = np.where(higher, value, peak)
            since_peak = np.where(higher, 0, since_peak + run[:, k])
            age += run[:, k]
            atr = ranges[:, k] * np.maximum(1.0 - settings.tighten_per_session * (age - 1), settings.least_share)
            secured |= here & (settings.secure_atr is not None) & (value - entry >= (settings.secure_atr or 0.0) * ranges[:, k])
            left |= here & _ends(value, entry, peak, since_peak, atr, settings)
            left |= here & secured & (value <= entry)
    return left


def _ends(  # noqa: PLR0917 - a position, as it stands
    value: Floats, entry: Floats, peak: Floats, since_peak: NDArray[np.int64], atr: Floats, settings: PeakExitsSettings
) -> NDArray[np.bool_]:
    """Whether one of the conditions holds at a session; one whose true range is missing does not."""
    found = np.zeros(len(value), bool)
    if settings.peak_atr is not None:
        found |= (peak - value >= settings.peak_atr * atr) & (peak - entry >= settings.least_rise_atr * atr)
    if settings.stop_atr is not None:
        found |= entry - value >= settings.stop_atr * atr
    if settings.target_atr is not None:
        found |= value - entry >= settings.target_atr * atr
    if settings.stale_sessions is not None:
        found |= since_peak >= settings.stale_sessions
    return found


PLUGIN = Plugin(settings=PeakExitsSettings, make=PeakExits, quick={"max_sessions": 3, "atr_sessions": 2})
