"""How much of a backtest's Sharpe ratio is left when it is known how many trials it was chosen from.

The number of trials is taken from the ledger. A model that a backtest trades alone is no trial beside it. Those that came to no backtest are, and those that a champion or an
ensemble was chosen from: whoever looked at their skill has chosen.
Returns of backtests and ICs of models are grouped apart (`trial_clusters`), and the groups are added up.

The variance across trials is that of the mean ratios of the groups of backtests. Of fewer than 10 groups it is hardly known: then it is at least that of independent strategies without any
skill, 1 / n of n sessions.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.evaluation.backtest_overfitting import BLOCKS, BacktestOverfitting, probability_of_backtest_overfitting
from ats_assets.evaluation.overfitting import deflated_sharpe_ratio, expected_maximum_sharpe, minimum_backtest_length
from ats_assets.evaluation.sharpe_inference import minimum_track_record_length, sharpe_standard_error
from ats_assets.evaluation.trial_clusters import distinct, trial_clusters
from ats_assets.trials import RecordedTrial

Floats = NDArray[np.float64]
KNOWN_VARIANCE = 10
"""Groups of backtests from which on their variance is taken as it is."""
SHARED = 0.8
"""Share of a backtest's sessions that another must have to be compared with it."""
SESSIONS_PER_BLOCK, LEAST_BLOCKS = 10, 4


@dataclass(frozen=True, kw_only=True)
class TrialCount:
    """How much was tried.

    Attributes
    ----------
    trials
        Different ones, without those that are part of others and were not chosen there.
    backtests
        Of these.
    effective
        Different bets among them.
    groups
        Of these, those of backtests that have returns.
    variance
        Of the ratios of one session across the groups of backtests; None for fewer than two.
    """

    trials: int
    backtests: int
    effective: int
    groups: int
    variance: float | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The figures. Ratios are yearly; what the data do not define is None.

    Attributes
    ----------
    sharpe, standard_error
        As measured, and its error for returns that are correlated (Lo 2002), with as many lags as the holding period.
    best_of_chance
        Yearly ratio that the best of so many trials is expected to have without skill.
    deflated
        Probability that the true ratio is above zero although it is the best of them.
    track_record_sessions
        How long the record must be for a ratio above zero with 95%, chosen from nothing.
    backtest_years
        How long the backtest must be for its ratio to be more than what is expected of the best of so many trials.
    overfitting
        By CSCV over the backtests that share its sessions; None for fewer than two.
    compared
        How many these are.
    """

    count: TrialCount
    sessions: int
    sharpe: float | None = None
    standard_error: float | None = None
    best_of_chance: float | None = None
    deflated: float | None = None
    track_record_sessions: float | None = None
    backtest_years: float | None = None
    overfitting: BacktestOverfitting | None = None
    compared: int = 0

    def figures(self) -> dict[str, Any]:
        """As JSON has them: of the choices of blocks only what they add up to."""
        over = self.overfitting
        told = {
            "probability_of_overfitting": over and over.probability,
            "probability_of_loss": over and over.probability_of_loss,
            "what_comes_back": over and over.slope,
        }
        own = {name: value for name, value in asdict(replace(self, overfitting=None)).items() if name != "overfitting"}
        return own | told


def count_trials(trials: Sequence[RecordedTrial], risk_free: float = 0.0) -> TrialCount:
    """How much was tried, of the trials of a ledger.

    Parameters
    ----------
    risk_free
        Return of a session, which the ratios are less of.
    """
    whole = _whole(trials)
    returns = _matrix([one for one in whole if one.trial.measure == "return"])
    others = _matrix([one for one in whole if one.trial.measure != "return"])
    groups = trial_clusters(returns)
    ratios = [_ratio(returns[:, column] - risk_free) for column in range(returns.shape[1])]
    means = [
        float(np.mean(known))
        for group in range(int(groups.max(initial=-1)) + 1)
        if (known := [r for r, g in zip(ratios, groups, strict=True) if g == group and r is not None])
    ]
    return TrialCount(
        trials=len(whole),
        backtests=sum(one.trial.kind == "backtest" for one in whole),
        effective=max(1, int(groups.max(initial=-1)) + 1 + int(trial_clusters(others).max(initial=-1)) + 1),
        groups=len(means),
        variance=float(np.var(means, ddof=1)) if len(means) > 1 else None,
    )


def selection(
    trials: Sequence[RecordedTrial],
    sessions: Sequence[date],
    returns: Floats,
    *,
    sessions_per_year: int,
    risk_free: float = 0.0,
    lags: int = 0,
) -> Selection:
    """What is left of the backtest whose returns these are.

    Parameters
    ----------
    trials
        Those of the ledger.
    sessions, returns
        Of the backtest, of shape (n,); what is not finite is left out.
    risk_free
        Return of a session.
    lags
        Sessions over which its returns are taken to be correlated.
    """
    count = count_trials(trials, risk_free)
    excess = returns[np.isfinite(returns)] - risk_free
    ratio, n = _ratio(excess), len(excess)
    compared = _compared(trials, sessions)
    blocks = min(BLOCKS, len(compared) // SESSIONS_PER_BLOCK // 2 * 2)
    can_be_told = ratio is not None and compared.shape[1] > 1 and blocks >= LEAST_BLOCKS  # of what never moved nothing was chosen
    overfitting = probability_of_backtest_overfitting(compared, blocks) if can_be_told else None
    told = {"count": count, "sessions": n, "overfitting": overfitting, "compared": compared.shape[1]}
    if ratio is None:
        return Selection(**told)
    standard = (excess - excess.mean()) / excess.std()
    moments = {"skewness": float((standard**3).mean()), "kurtosis": float((standard**4).mean())}
    chosen = {"n_trials": count.effective, "variance": variance_across(count, n)}
    error = sharpe_standard_error(excess, min(lags, n - 1))
    year = math.sqrt(sessions_per_year)
    return Selection(
        **told,
        sharpe=ratio * year,
        standard_error=error * year if error is not None else None,
        best_of_chance=expected_maximum_sharpe(**chosen) * year,
        deflated=deflated_sharpe_ratio(ratio, n, **chosen, **moments),
        track_record_sessions=minimum_track_record_length(ratio, **moments),
        backtest_years=minimum_backtest_length(count.effective, ratio * year) if ratio > 0 else math.inf,
    )


def variance_across(count: TrialCount, n_sessions: int) -> float:
    """The variance across trials of the ratio of one session, as it is taken: see above.

    Examples
    --------
    >>> few = TrialCount(trials=4, backtests=4, effective=4, groups=4, variance=0.0001)
    >>> many = TrialCount(trials=40, backtests=40, effective=40, groups=40, variance=0.0001)
    >>> variance_across(few, 500), variance_across(many, 500)
    (0.002, 0.0001)
    """
    if count.variance is not None and count.groups >= KNOWN_VARIANCE:
        return count.variance
    return max(count.variance or 0.0, 1.0 / n_sessions)


def _traded_nothing(one: RecordedTrial) -> bool:
    """Whether its returns are there and each is zero; of one that is under way, or failed, nothing is known."""
    if one.trial.kind != "backtest" or one.series is None or one.series.is_empty():
        return False
    return bool((one.series["value"].fill_null(0.0) == 0.0).all())


def _whole(trials: Sequence[RecordedTrial]) -> list[RecordedTrial]:
    """Each thing that was tried once, without what is part of another and was chosen in none, and without backtests that traded nothing: nobody can have chosen such a one by its returns."""
    counted = [one for one in trials if not _traded_nothing(one)]
    chosen = {part for one in counted for part in one.trial.chosen_from}
    parts = {part for one in counted for part in one.trial.made_of} - chosen
    once = {one.trial.tried: one for one in reversed(counted) if one.trial.tried not in parts}
    return [one for one in counted if once.get(one.trial.tried) is one]


def _matrix(trials: Sequence[RecordedTrial]) -> Floats:
    """Their series side by side, of shape (n_sessions, n_trials); NaN where there is none."""
    found = [one.series if one.series is not None else None for one in trials]
    days = sorted({day for series in found if series is not None for day in series["session"]})
    place = {day: row for row, day in enumerate(days)}
    matrix = np.full((len(days), len(found)), np.nan)
    for column, series in enumerate(found):
        if series is not None:
            matrix[[place[day] for day in series["session"]], column] = series["value"].to_numpy()
    return matrix


def _compared(trials: Sequence[RecordedTrial], sessions: Sequence[date]) -> Floats:
    """The returns of the backtests that share most of the sessions, where all of them have one; of those that are the same the first."""
    asked = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})
    columns = []
    for one in _whole(trials):
        if one.trial.measure == "return" and one.series is not None:
            values = asked.join(one.series, on="session", how="left", maintain_order="left")["value"].cast(pl.Float64).to_numpy()
            if np.isfinite(values).sum() >= SHARED * max(len(sessions), 1):
                columns.append(values)
    if not columns:
        return np.empty((0, 0))
    matrix = np.column_stack(columns)
    whole = matrix[np.isfinite(matrix).all(axis=1)]
    return whole[:, distinct(whole)]


def _ratio(excess: Floats) -> float | None:
    """Mean over deviation, of one session."""
    known = excess[np.isfinite(excess)]
    deviation = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return float(known.mean()) / deviation if deviation > 1e-14 else None
