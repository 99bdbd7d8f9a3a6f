"""Probability that a symbol beats the session's median: a logistic curve through the outcomes of past predictions.

    P(return above the median of the session) = 1 / (1 + exp(-(a + b x))),    x = (average rank - 1/2) / n - 1/2 of the score

The curve (Platt, Probabilistic outputs for support vector machines, 1999, without his priors) is fitted for each session again, by maximum likelihood on
predictions whose outcomes became known in the last `calibration_sessions` sessions. Those predictions were made by models that had not seen the outcomes.

For the fit x is rounded to the middle of one of 100 equal bins. The likelihood then depends on counts alone; these are whole numbers, so that their sums over a window are
exact, whichever way they are summed up, and a fit takes microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import CalendarError, LookAheadError

BINS = 100
MIDDLES = (np.arange(BINS) + 0.5) / BINS - 0.5
CALIBRATED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "probability": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted curve: log-odds = intercept + slope * x, from `rows` outcomes."""

    intercept: float
    slope: float
    rows: int

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The probability at centred percentiles `x` of shape (n,), in (-1/2, 1/2)."""
        return 1.0 / (1.0 + np.exp(-(self.intercept + self.slope * x)))


def calibrate(
    predictions: pl.DataFrame,
    forward_returns: pl.DataFrame,
    calendar_sessions: Sequence[date],
    sessions: Sequence[date],
    *,
    horizon_sessions: int,
    calibration_sessions: int,
    min_calibration_rows: int,
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
        Sessions of known outcomes that are learnt from, and how many of them there must be.

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
        fitted = fit_calibration(*(total[end] - total[max(0, end - calibration_sessions)]), min_rows=min_calibration_rows)
        rows = by_session[session]
        values = pl.Series(fitted.probability(rows["x"].to_numpy())) if fitted else pl.lit(None, pl.Float64)
        parts.append(rows.select("symbol", "session").with_columns(probability=values))
    return pl.concat(parts)


def fit_calibration(losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> Calibration | None:
    """The curve of largest likelihood through counts by bin of x, by Newton's method from zero.

    Parameters
    ----------
    losses, wins
        Integers of shape (100,): outcomes not above, and above, the median of their session, by bin.
    min_rows
        With fewer outcomes, with wins or losses only, or where they are parted perfectly, there is no curve: None.
    """
    n = losses + wins
    rows = int(n.sum())
    if rows < min_rows or not wins.any() or not losses.any():
        return None
    a = b = 0.0
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(a + b * MIDDLES)))
        weight, residual = n * p * (1.0 - p), wins - n * p
        h_aa, h_ab, h_bb = weight.sum(), (weight * MIDDLES).sum(), (weight * MIDDLES * MIDDLES).sum()
        g_a, g_b = residual.sum(), (residual * MIDDLES).sum()
        determinant = h_aa * h_bb - h_ab * h_ab
        if not determinant > 1e-9:
            return None
        step_a, step_b = (h_bb * g_a - h_ab * g_b) / determinant, (h_aa * g_b - h_ab * g_a) / determinant
        a, b = float(a + step_a), float(b + step_b)
        if abs(b) > 100.0:
            return None
        if abs(step_a) + abs(step_b) < 1e-12:
            break
    return Calibration(intercept=a, slope=b, rows=rows)


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
