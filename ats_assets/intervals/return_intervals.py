"""The rows of `prediction_intervals`.

1. Each score's place in its session, and each known outcome's error beside what had been expected when it was decided (`past_errors`).
2. The level: followed from the first session of the period (a quarter) before the session's own, by what became of each interval since, as it became known (`adaptive_level`).
   All sessions of a period so follow one chain, and no session leans on anything before it: it can be made alone.
3. The interval: expected return -/+ scale * radius, the radius being the conformal quantile of the sizes of the errors that became known in the last `calibration_sessions` sessions.
4. The confidence: of the same errors, the share with which the return has the sign that is expected, (of n) / (n + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.errors import CalendarError, LookAheadError
from ats_assets.intervals.adaptive_level import conformal_radius, followed_alphas, share_outside
from ats_assets.intervals.past_errors import Expectation, PastErrors, judged_outcomes
from ats_assets.intervals.schema import INTERVALS_SCHEMA
from ats_assets.refits import last_refit
from ats_assets.settings import LONGEST_PERIOD, ConfidenceSettings

Floats = NDArray[np.float64]
LEAST_RETURN = -1.0
"""Nobody loses more than the price."""


@dataclass(frozen=True, kw_only=True)
class IntervalWindows:
    """How many sessions before its own a session's intervals are made from."""

    predictions: int
    outcomes: int


def interval_windows(settings: ConfidenceSettings, horizon_sessions: int, exchange: str) -> IntervalWindows:
    """The chain of levels, before its first session the errors that its widths are taken from, and before these what was expected then.

    Examples
    --------
    >>> interval_windows(ConfidenceSettings(), 5, "XNYS")
    IntervalWindows(predictions=330, outcomes=324)
    """
    delay = horizon_sessions + 1
    weekly_closed, never_closed = LONGEST_PERIOD[settings.restart]
    chain = 2 * (never_closed if exchange == "24/7" else weekly_closed) - 1
    outcomes = chain + settings.calibration_sessions - 1 + delay + settings.scale_sessions - 1
    return IntervalWindows(predictions=outcomes + delay, outcomes=outcomes)


def chain_start(calendar: SessionCalendar, session: date, settings: ConfidenceSettings) -> date:
    """The first session of the period before that of `session`; the calendar's first one where it begins later.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> chain_start(session_calendar("XNYS", date(2021, 1, 1)), date(2022, 5, 20), ConfidenceSettings())
    datetime.date(2022, 1, 3)
    """
    own = last_refit(calendar, session, settings.restart)
    return own if own <= calendar.first else last_refit(calendar, calendar.offset(own, -1), settings.restart)


def return_intervals(
    predictions: pl.DataFrame,
    forward_returns: pl.DataFrame,
    days: Sequence[date],
    sessions: Sequence[date],
    settings: ConfidenceSettings,
    *,
    calendar: SessionCalendar,
    horizon_sessions: int,
    identities: Identities | None = None,
) -> pl.DataFrame:
    """The intervals of the predictions of `sessions`.

    Parameters
    ----------
    predictions, forward_returns
        The contracts `Predictions` and `ForwardReturns`, of the windows of `interval_windows` before each of `sessions`.
    days
        Consecutive sessions, from the first of the longest window to the last of `sessions`; fewer at the start of history.
    sessions
        Those that are wanted, ascending, each one of `days`.
    settings
        Level, windows, step.
    calendar
        Which says where periods begin.
    horizon_sessions
        Whose returns are meant.
    identities
        The instruments behind symbols, so that a scale survives a change of name.

    Returns
    -------
    polars.DataFrame
        The contract `PredictionIntervals`.

    Raises
    ------
    LookAheadError
        If a prediction was made by a model that was fitted at its session or after.
    CalendarError
        If one of `sessions` is not one of `days`.
    """
    if strangers := sorted(set(sessions) - set(days)):
        raise CalendarError(f"{strangers[0]} is not one of the {len(days)} sessions that came with the predictions: widen them")
    if not (inside := predictions.filter(pl.col("model_session") >= pl.col("session"))).is_empty():
        raise LookAheadError(
            f"the predictions of {inside['session'][0]} are not out of sample: their model was fitted at {inside['model_session'][0]}"
        )
    named = identities.named(predictions) if identities else predictions.with_columns(pl.col("symbol").alias(INSTRUMENT))
    named = named.sort("session", "symbol").with_columns(x=((pl.col("score").rank("average") - 0.5) / pl.len() - 0.5).over("session"))
    instruments = {name: i for i, name in enumerate(named[INSTRUMENT].unique().sort())}
    outcomes = forward_returns.filter(horizon_sessions=horizon_sessions).select(
        "symbol", "forward_return", known="session", session="decision_session"
    )
    errors = PastErrors(judged_outcomes(named, outcomes, days, instruments), len(instruments), settings)
    made = named.filter(pl.col("session").is_in(list(sessions)))
    of_session = {key[0]: rows for key, rows in made.group_by("session", maintain_order=True)}
    alphas = _alphas(errors, days, sorted(of_session), settings, calendar)  # pyright: ignore[reportArgumentType]
    position = {day: i for i, day in enumerate(days)}
    parts = [INTERVALS_SCHEMA.to_frame()]
    for session, rows in of_session.items():
        who = rows[INSTRUMENT].replace_strict(instruments, return_dtype=pl.Int64).to_numpy()
        place, alpha = position[session], alphas[session]  # pyright: ignore[reportArgumentType]
        told, signed = errors.expectation(place), np.sort(errors.calibration(place))
        parts.append(_rows(rows, None if told is None else _forecast(told, rows["x"].to_numpy(), who), signed, alpha, settings))
    return pl.concat(parts)


def _alphas(
    errors: PastErrors, days: Sequence[date], sessions: Sequence[date], settings: ConfidenceSettings, calendar: SessionCalendar
) -> dict[date, float]:
    """The alpha of each session, by one chain a period."""
    position = {day: i for i, day in enumerate(days)}
    chains: dict[date, list[date]] = {}
    for session in sessions:
        chains.setdefault(chain_start(calendar, session, settings), []).append(session)
    sizes: dict[int, Floats | None] = {}
    found: dict[date, float] = {}
    for start, of_chain in chains.items():
        first = position.get(max(start, days[0]), 0)
        last = position[of_chain[-1]]
        for place in [place for place in sizes if place < first]:  # no later chain begins earlier
            del sizes[place]

        def judge(t: int, alpha: float, first: int = first) -> float | None:
            place = first + t
            own = np.abs(errors.of_decision(place))
            if not len(own):
                return None
            if place not in sizes:
                sizes[place] = _sizes(errors, place, settings)
            before = sizes[place]
            return None if before is None else share_outside(own, conformal_radius(before, alpha))

        known = [[of - first for of in errors.decided_of(place) if of >= first] for place in range(first, last + 1)]
        alphas = followed_alphas(judge, known, target=1.0 - settings.level, step=settings.step)
        found |= {session: float(alphas[position[session] - first]) for session in of_chain}
    return found


def _sizes(errors: PastErrors, place: int, settings: ConfidenceSettings) -> Floats | None:
    """The sizes of the errors known at a session; None where there are too few."""
    found = np.abs(errors.calibration(place))
    return found if len(found) >= settings.min_calibration_rows else None


def _forecast(told: Expectation, x: Floats, instruments: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The expected return of each symbol, and its scale."""
    return told.expected(x), told.scale_of(instruments)


def _rows(
    rows: pl.DataFrame, forecast: tuple[Floats, Floats] | None, signed: Floats, alpha: float, settings: ConfidenceSettings
) -> pl.DataFrame:
    """The intervals of one session, by the errors that are known there, sorted."""
    columns: dict[str, pl.Series | pl.Expr] = {"level": pl.lit(settings.level)}
    if forecast is not None:
        expected, scale = forecast
        columns["expected_return"] = pl.Series(np.maximum(expected, LEAST_RETURN))
        if len(signed) >= settings.min_calibration_rows:
            radius = conformal_radius(np.abs(signed), alpha)
            columns |= _bounds(expected, scale, max(radius, 0.0))
            columns |= {"adapted_level": pl.lit(1.0 - alpha), "confidence": pl.Series(_confidence(expected, scale, signed))}
    made = rows.with_columns(**columns)
    return made.select(
        (pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in INTERVALS_SCHEMA.items()
    )


def _bounds(expected: Floats, scale: Floats, radius: float) -> dict[str, pl.Series]:
    """Lower, upper and width; null where the radius is infinite."""
    if not np.isfinite(radius):
        return {name: pl.Series([None] * len(expected), dtype=pl.Float64) for name in ("lower", "upper", "width")}
    lower, upper = np.maximum(expected - scale * radius, LEAST_RETURN), np.maximum(expected + scale * radius, LEAST_RETURN)
    return {"lower": pl.Series(lower), "upper": pl.Series(upper), "width": pl.Series(upper - lower)}


def _confidence(expected: Floats, scale: Floats, signed: Floats) -> Floats:
    """The share of past errors, sorted, with which a return has the sign of what is expected; of zero that it is above."""
    n, turning = len(signed), -expected / scale
    above, below = n - np.searchsorted(signed, turning, side="right"), np.searchsorted(signed, turning, side="left")
    return np.where(expected >= 0.0, above, below) / (n + 1.0)
