"""Probability that a symbol beats the session's median: a curve through the outcomes of past predictions.

    P(return above the median of the session) = 1 / (1 + exp(-(a + b x))),    x = (average rank - 1/2) / n - 1/2 of the score

Platt's curve, which this is, an isotonic or a beta curve (`calibration_curves`) is fitted for each session again on predictions whose outcomes became known in the last
`calibration_sessions` sessions. Those predictions were made by models that had not seen the outcomes. "best" takes the kind with the smallest log loss on the newer half
of that window, each outcome judged by what was known when it was decided; the curve of that kind is then fitted on the whole of it.

For the fit x is rounded to the middle of one of 100 equal bins. The likelihood then depends on counts alone; these are whole numbers, so that their sums over a window are
exact, whichever way they are summed up, and a fit takes microseconds.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from ats_assets.errors import CalendarError, LookAheadError
from ats_assets.predictions.calibration_curves import BINS, CurveKind, best_kind, fit_curve, out_of_sample_losses

CalibrationKind = CurveKind | Literal["best"]
CALIBRATED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "probability": pl.Float64})


def calibrate(
    predictions: pl.DataFrame,
    forward_returns: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    *,
    horizon_sessions: int,
    calibration_sessions: int,
    min_calibration_rows: int,
    kind: CalibrationKind = "platt",
) -> pl.DataFrame:
    """The probabilities of the predictions of `sessions`.

    Parameters
    ----------
    predictions
        The contract `Predictions`: of `sessions`, and of the decisions whose outcomes are in the window of each of them.
    forward_returns
        The contract `ForwardReturns`, of the `calibration_sessions` sessions that end at each of `sessions`.
    calendar_sessions
        Consecutive sessions of the calendar, from the first session of the first window to the last of `sessions`.
    sessions
        The sessions to make, each one of `calendar_sessions`.
    horizon_sessions
        The model's horizon, whose outcomes are learnt from.
    calibration_sessions, min_calibration_rows
        Sessions of known outcomes that are learnt from, and how many outcomes there must be.
    kind
        Of the curve; "best" is chosen for each session again.

    Returns
    -------
    polars.DataFrame
        symbol, session, probability (Float64; null where the window holds fewer than `min_calibration_rows` outcomes), sorted by (session, symbol).

    Raises
    ------
    LookAheadError
        If a prediction was made by a model that was fitted at its session or after.
    CalendarError
        If one of `sessions` is not one of `calendar_sessions`.
    """
    position = {session: i for i, session in enumerate(calendar_sessions)}
    if strangers := sorted(set(sessions) - position.keys()):
        raise CalendarError(
            f"{strangers[0]} is not one of the {len(position)} sessions of the calendar that came with the predictions: widen them"
        )
    if not (inside := predictions.filter(pl.col("model_session") >= pl.col("session"))).is_empty():
        raise LookAheadError(
            f"the predictions of {inside['session'][0]} are not out of sample: their model was fitted at {inside['model_session'][0]}"
        )
    placed = predictions.sort("session", "symbol").with_columns(
        x=((pl.col("score").rank("average") - 0.5) / pl.len() - 0.5).over("session")
    )
    counts = _counts(placed, forward_returns.filter(horizon_sessions=horizon_sessions), position)
    total = np.concatenate([np.zeros((1, 2, BINS), np.int64), counts.cumsum(axis=0)])
    parts = [pl.DataFrame(schema=CALIBRATED_SCHEMA)]
    by_session = {key[0]: rows for key, rows in placed.group_by("session", maintain_order=True)}
    for session in sorted(set(sessions) & by_session.keys()):
        end = position[session] + 1
        start = max(0, end - calibration_sessions)
        taken = _best(counts[start:end], horizon_sessions, min_calibration_rows) if kind == "best" else kind
        fitted = fit_curve(taken, *(total[end] - total[start]), min_rows=min_calibration_rows)
        rows = by_session[session]
        values = pl.Series(fitted.probability(rows["x"].to_numpy())) if fitted else pl.lit(None, pl.Float64)
        parts.append(rows.select("symbol", "session").with_columns(probability=values))
    return pl.concat(parts)


def _best(counts: np.ndarray, horizon_sessions: int, min_rows: int) -> CurveKind:
    """The kind of curve for a window that ends at a session: from a decision to its outcome it is the horizon, after the session that opens it."""
    return best_kind(out_of_sample_losses(counts, delay=horizon_sessions + 1, min_rows=min_rows))


def _counts(placed: pl.DataFrame, outcomes: pl.DataFrame, position: dict[date, int]) -> np.ndarray:
    """Losses and wins by the session at which they were known and bin of x: int64 of shape (n_sessions, 2, 100)."""
    judged = outcomes.select("symbol", "forward_return", known="session", session="decision_session").join(
        placed.select("symbol", "session", "x"), on=["symbol", "session"], how="inner"
    )
    judged = judged.filter(pl.col("known").is_in(list(position))).with_columns(
        won=pl.col("forward_return") > pl.col("forward_return").median().over("session"),
        bin=((pl.col("x") + 0.5) * BINS).floor().cast(pl.Int64).clip(0, BINS - 1),
    )
    counts = np.zeros((len(position), 2, BINS), np.int64)
    rows = judged["known"].replace_strict(position, return_dtype=pl.Int64).to_numpy() if judged.height else np.empty(0, np.int64)
    np.add.at(counts, (rows, judged["won"].cast(pl.Int64).to_numpy(), judged["bin"].to_numpy()), 1)
    return counts
