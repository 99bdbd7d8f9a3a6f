"""What one's own fills say of a model of market impact: by how much its impact must be scaled.

Of each order, in daily standard deviations v of its symbol:

    (slippage - expected half spread and fixed part) / v  =  scale * expected impact / v  +  beside / v  +  what the market did meanwhile

Divided like that, what the market did is as large in a calm symbol as in a wild one, and few trades decide nothing. It is not normal all the same, so the two unknowns are found by
Huber's M-estimator (P. Huber, Robust Statistics, 1981), and their standard errors allow for the orders of a session moving together (clustered by session).

A scale of few fills is mostly noise. It is therefore shrunk toward 1, the published parameters, by the precision of either, and never below zero. With too few fills, or fills that
can't tell a large trade from a small one, it stays 1, and the reason says so. A fit as of a session is a function of fills up to it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.impact.impact_terms import Floats
from ats_assets.settings import ImpactSettings

TUNING = 1.345
"""Residuals beyond so many of their scales count less: 95 % as efficient as least squares where all is normal."""
LEAST_SESSIONS = 10
"""That fills must be of: standard errors of fewer say nothing."""
TURNS, CLOSE = 50, 1e-9
_MAD = 1.4826


@dataclass(frozen=True, kw_only=True)
class FittedScale:
    """What was found.

    Attributes
    ----------
    scale
        Of the model's impact, shrunk toward 1.
    fitted, standard_error
        As the fills alone have it; None where nothing is fitted.
    beside, beside_error
        What orders cost beside the expected spread and impact, a share of the price.
    reason
        Why nothing is fitted.
    """

    fills: int
    sessions: int
    scale: float = 1.0
    fitted: float | None = None
    standard_error: float | None = None
    beside: float | None = None
    beside_error: float | None = None
    reason: str | None = None


def fit_scale(orders: pl.DataFrame, settings: ImpactSettings) -> FittedScale:
    """Fit the model's scale to orders.

    Parameters
    ----------
    orders
        session, slippage (against the reference, a share of the price, positive where it cost money), impact and beside (what the model expected of impact, and of spread and fixed
        part), volatility (a day's), one row an order; those of which something is null, or whose market did not move, are left out.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> rows = {"session": [date(2024, 1, 2)], "slippage": [0.001], "impact": [0.001], "beside": [0.0], "volatility": [0.02]}
    >>> fit_scale(pl.DataFrame(rows), ImpactSettings(model="square_root")).reason
    '1 of at least 100 fills'
    """
    numbers = ("slippage", "impact", "beside", "volatility")
    usable = pl.all_horizontal(*(pl.col(name).is_finite().fill_null(value=False) for name in numbers), pl.col("volatility") > 0.0)
    used = orders.filter(usable).sort("session")
    n, sessions = used.height, used["session"].n_unique()
    if n < settings.min_fills:
        return FittedScale(fills=n, sessions=sessions, reason=f"{n} of at least {settings.min_fills} fills")
    if sessions < LEAST_SESSIONS:
        return FittedScale(fills=n, sessions=sessions, reason=f"fills of {sessions} of at least {LEAST_SESSIONS} sessions")
    slippage, impact, beside, volatility = (used[name].to_numpy() for name in numbers)
    design = np.column_stack([impact / volatility, 1.0 / volatility])
    lengths = np.sqrt((design**2).sum(axis=0))
    if not lengths.all() or np.linalg.cond(design / lengths) > 1e3:
        return FittedScale(
            fills=n, sessions=sessions, reason="all fills are alike in what the model expects of them: none is larger than another"
        )
    found = robust_regression(design, (slippage - beside) / volatility, used["session"].rank("dense").to_numpy().astype(np.int64) - 1)
    fitted, error = float(found.coefficients[0]), float(found.errors[0])
    return FittedScale(
        fills=n,
        sessions=sessions,
        scale=shrunk(fitted, error, settings.prior_error),
        fitted=fitted,
        standard_error=error,
        beside=float(found.coefficients[1]),
        beside_error=float(found.errors[1]),
    )


def shrunk(fitted: float, error: float, prior_error: float) -> float:
    """The mean of a fit and of 1, each weighed by its precision; not below zero.

    Examples
    --------
    >>> shrunk(3.0, 0.5, 0.5), shrunk(-4.0, 0.1, 0.5), shrunk(2.0, 0.0, 0.5)
    (2.0, 0.0, 2.0)
    """
    weight = prior_error**2 / (prior_error**2 + error**2)
    return max(0.0, 1.0 + weight * (fitted - 1.0))


@dataclass(frozen=True)
class RobustFit:
    """Coefficients and their standard errors, arrays of shape (n_columns,)."""

    coefficients: Floats
    errors: Floats


def robust_regression(design: Floats, outcome: Floats, clusters: NDArray[np.int64]) -> RobustFit:
    """Huber's regression with standard errors that allow for rows of one cluster depending on each other.

    Parameters
    ----------
    design, outcome
        Of shapes (n, n_columns) and (n,).
    clusters
        Of each row its cluster, from 0 on, of shape (n,).
    """
    weights = np.ones(len(outcome))
    coefficients = _weighted(design, outcome, weights)
    for _ in range(TURNS):
        residuals = outcome - design @ coefficients
        spread = _MAD * float(np.median(np.abs(residuals)))
        if spread <= 1e-12 * (float(np.abs(outcome).max()) + 1e-300):
            break
        weights = np.minimum(1.0, TUNING * spread / np.maximum(np.abs(residuals), 1e-300))
        before, coefficients = coefficients, _weighted(design, outcome, weights)
        if np.abs(coefficients - before).max() <= CLOSE * (1.0 + np.abs(coefficients).max()):
            break
    residuals = outcome - design @ coefficients
    within = (weights >= 1.0).astype(np.float64)
    scores = np.zeros((int(clusters.max()) + 1, design.shape[1]))
    np.add.at(scores, clusters, design * (weights * residuals)[:, None])
    bread = np.linalg.pinv((design * within[:, None]).T @ design)
    n, columns, groups = len(outcome), design.shape[1], len(scores)
    factor = groups / (groups - 1) * (n - 1) / (n - columns)
    covariance = factor * bread @ (scores.T @ scores) @ bread
    return RobustFit(coefficients, np.sqrt(np.maximum(np.diag(covariance), 0.0)))


def _weighted(design: Floats, outcome: Floats, weights: Floats) -> Floats:
    root = np.sqrt(weights)
    return np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)[0].astype(np.float64)
