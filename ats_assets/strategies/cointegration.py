"""Pairs of prices that keep together: the test of Engle and Granger (Econometrica 55, 1987) for all pairs at once.

Of two series of log prices the one is regressed on the other and a constant; if the residual returns to its mean, they are cointegrated. That is tested by the augmented Dickey-Fuller
statistic of the residual with one lag. Either series may stand on the left, and the test depends on which: the more negative of the two statistics counts.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError

Floats = NDArray[np.float64]
Level = Literal[1, 5, 10]
"""Of a test, in per cent."""
RESPONSE: Final[dict[int, dict[int, tuple[float, float, float, float]]]] = {
    1: {
        1: (-3.43035, -6.5393, -16.786, -79.433),
        5: (-2.86154, -2.8903, -4.234, -40.040),
        10: (-2.56677, -1.5384, -2.809, 0.0),
    },
    2: {1: (-3.89644, -10.9519, -33.527, 0.0), 5: (-3.33613, -6.1101, -6.823, 0.0), 10: (-3.04445, -4.2412, -2.720, 0.0)},
}
"""Number of series -> level -> critical values with a constant at T observations: a + b/T + c/T² + d/T³ (MacKinnon, Critical Values for Cointegration Tests, Queen's University working paper 1227,
2010, table 2)."""


@dataclass(frozen=True, kw_only=True)
class CointegratedPair:
    """left = constant + ratio * right + a residual that returns to its mean."""

    left: int
    right: int
    constant: float
    ratio: float
    statistic: float
    """Augmented Dickey-Fuller, one lag: the more negative, the surer."""
    half_life: float
    """Sessions in which the residual's distance from its mean halves."""
    deviation: float
    """Standard deviation of the residual."""


def critical_value(level: Level, observations: int, *, series: Literal[1, 2] = 2) -> float:
    """The statistic below which a random walk (of one series), or "no cointegration" (of two), is rejected at a level.

    Examples
    --------
    >>> round(critical_value(5, 100), 4), round(critical_value(5, 100, series=1), 4)
    (-3.3979, -2.8909)
    """
    return sum(value / observations**power for power, value in enumerate(RESPONSE[series][level]))


def cointegrated_pairs(
    prices: Floats, *, level: Level = 5, least_half_life: float = 1.0, most_half_life: float = np.inf, most: int | None = None
) -> list[CointegratedPair]:
    """The pairs of series that are cointegrated, each series in one pair at most, the surest first.

    Parameters
    ----------
    prices
        ndarray of shape (n_series, n_sessions): logarithms of prices, all finite.
    level
        Of the test of one pair, in per cent. Many pairs are tried: of pairs of independent random walks about twice this share passes, since either direction may.
    least_half_life, most_half_life
        Sessions; a faster or slower pair is left out. So is one whose ratio is not positive: its two sides would be the same bet.
    most
        Pairs to give.

    Raises
    ------
    EvaluationError
        If there are fewer than 20 sessions, or values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(1)
    >>> walk, other = 0.01 * random.standard_normal((2, 250)).cumsum(axis=1)
    >>> tied = 0.8 * walk + 0.01 * random.standard_normal(250)
    >>> [(pair.left, pair.right, round(pair.ratio, 1)) for pair in cointegrated_pairs(np.stack([walk, other, tied]), least_half_life=0.0)]
    [(2, 0, 0.8)]
    """
    n, sessions = prices.shape
    if sessions < 20 or not np.isfinite(prices).all():
        raise EvaluationError(f"cointegration needs 20 sessions or more and finite prices, got {sessions} sessions of {n} series")
    bound, found = critical_value(level, sessions), []
    for left in range(n):
        found += _with_left(prices, left)
    good = [pair for pair in found if pair.statistic <= bound and pair.ratio > 0 and least_half_life <= pair.half_life <= most_half_life]
    chosen: list[CointegratedPair] = []
    taken: set[int] = set()
    for pair in sorted(good, key=lambda one: (one.statistic, one.left, one.right)):
        if not {pair.left, pair.right} & taken and (most is None or len(chosen) < most):
            chosen.append(pair)
            taken |= {pair.left, pair.right}
    return chosen


def _with_left(prices: Floats, left: int) -> list[CointegratedPair]:
    """All pairs with one series on the left, at once."""
    others = np.delete(np.arange(len(prices)), left)
    if not len(others):
        return []
    y, x = prices[left] - prices[left].mean(), prices[others] - prices[others].mean(axis=1, keepdims=True)
    moved = (x * x).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (x @ y) / moved
        residual = y - ratio[:, None] * x
        statistic, slope = dickey_fuller(residual)
        half_life = np.where((slope > -1) & (slope < 0), -np.log(2.0) / np.log1p(np.clip(slope, -1 + 1e-12, -1e-12)), np.inf)
    constant = prices[left].mean() - ratio * prices[others].mean(axis=1)
    return [
        CointegratedPair(
            left=left,
            right=int(others[i]),
            constant=float(constant[i]),
            ratio=float(ratio[i]),
            statistic=float(statistic[i]),
            half_life=float(half_life[i]),
            deviation=float(residual[i].std(ddof=1)),
        )
        for i in range(len(others))
        if np.isfinite(statistic[i])
    ]


def dickey_fuller(series: Floats) -> tuple[Floats, Floats]:
    """The augmented Dickey-Fuller statistics of series with one lag and no constant, and the slopes that they judge.

    The change of a series is regressed on its level before and on its change before; the statistic is the slope on the level over its standard error.

    Parameters
    ----------
    series
        ndarray of shape (n_series, n_sessions).

    Returns
    -------
    tuple of ndarrays of shape (n_series,)
        NaN of a series that does not move.

    Examples
    --------
    >>> import numpy as np
    >>> statistic, slope = dickey_fuller(np.array([[1.0, -0.5, 0.4, -0.3, 0.1, -0.2, 0.1]]))
    >>> statistic.round(3).tolist(), slope.round(3).tolist()
    ([-1.512], [-0.878])
    """
    change = np.diff(series, axis=1)
    y, level, before = change[:, 1:], series[:, 1:-1], change[:, :-1]
    ll, bb, lb = (level * level).sum(axis=1), (before * before).sum(axis=1), (level * before).sum(axis=1)
    ly, by = (level * y).sum(axis=1), (before * y).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = ll * bb - lb * lb
        slope, lag = (bb * ly - lb * by) / determinant, (ll * by - lb * ly) / determinant
        errors = y - slope[:, None] * level - lag[:, None] * before
        variance = (errors * errors).sum(axis=1) / (y.shape[1] - 2)
        statistic = slope / np.sqrt(variance * bb / determinant)
    return statistic, slope
