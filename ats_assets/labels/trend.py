"""The kernel of trend-scanning: over which of many horizons a straight line fits best, by the t-value of its slope."""

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.labels.price_panel import Floats

FEWEST = 3
"""Points of a line whose slope has a t-value."""
LEAST_REST = 1e-12
"""Share of the variance that a line leaves, at least: closes on a line have a t-value of a million times sqrt(n - 2), and not an infinite one."""


@kernel
def scanned_trends(
    closes: Floats, factors: Floats, rows: NDArray[np.int64], shortest: int, longest: int
) -> tuple[Floats, NDArray[np.int64]]:
    """The t-value of the line that fits best from each of some sessions on, and over how many sessions it goes.

    The line is fitted by least squares to the closes of a session and of the `horizon` sessions after it, those without a close left out. The t-value of its slope is
    r * sqrt((n - 2) / (1 - r^2)); of all horizons from `shortest` to `longest` that one is taken whose t-value is farthest from zero, of equals the shortest.

    Means and products are kept up from point to point (Welford, Technometrics 4, 1962), from the session itself on: each horizon costs one step more, and a session has the same
    bits alone and in any range.

    Parameters
    ----------
    closes
        float64 of shape (n_sessions, n_series), NaN where there is none.
    factors
        Of corporate actions, of the same shape: prices before a session are multiplied by them.
    rows
        The sessions.

    Returns
    -------
    t, horizons
        Of shape (n_rows, n_series); NaN and 0 where there is no close at the session itself, or no horizon with three closes.
    """
    found, over = np.full((len(rows), closes.shape[1]), np.nan), np.zeros((len(rows), closes.shape[1]), np.int64)
    for i in range(len(rows)):
        for j in range(closes.shape[1]):
            begin = closes[rows[i], j]
            if np.isnan(begin):
                continue
            n, mean_x, mean_y, xx, xy, yy, scale, best = 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, begin, -1.0
            for age in range(1, min(longest, len(closes) - 1 - rows[i]) + 1):
                scale *= factors[rows[i] + age, j]
                y = closes[rows[i] + age, j] / scale
                if not np.isnan(y):
                    n += 1.0
                    dx, dy = age - mean_x, y - mean_y
                    mean_x += dx / n
                    mean_y += dy / n
                    xx += dx * (age - mean_x)
                    xy += dx * (y - mean_y)
                    yy += dy * (y - mean_y)
                if age >= shortest and n >= FEWEST:
                    fit = xy * xy / (xx * yy) if yy > 0.0 else 0.0
                    t = np.sqrt((n - 2.0) * fit / max(1.0 - fit, LEAST_REST))
                    if t > best:
                        best, over[i, j] = t, age
                        found[i, j] = t if xy > 0.0 else -t
    return found, over
