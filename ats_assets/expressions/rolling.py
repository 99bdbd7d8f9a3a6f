"""Steps that look at windows of rows: the kernels on a block, and what is made of their tables.

Conventions are qlib's, found by comparing: windows give a value as soon as they hold one (min_periods 1), spreads divide by n - 1 (ddof 1), infinities
are missing inside windows, results are double precision.
"""

import numpy as np

from ats_assets.expressions.arrays import Floats
from ats_assets.expressions.block import Block
from ats_assets.expressions.window_order import window_argmax, window_maximum, window_quantile, window_rank
from ats_assets.expressions.window_regression import window_covariance, window_regression
from ats_assets.expressions.window_sums import anchors, window_sums, window_variance

FLAT = 2e-5
"""qlib takes R² and correlations as missing where a standard deviation is at most this."""


def sums(block: Block, x: Floats, window: int) -> Floats:
    """Sums and counts of windows, shape (2, n_rows)."""
    return window_sums(x, block.reach(window), window)


def variance(block: Block, x: Floats, window: int) -> Floats:
    """Sample variances of windows."""
    return window_variance(x, anchors(x), block.reach(window), window)


def regression(block: Block, x: Floats, window: int) -> Floats:
    """Slope, R² and newest residual of lines through windows, shape (3, n_rows)."""
    return window_regression(x, anchors(x), block.reach(window), window)


def covariance(block: Block, x: Floats, y: Floats, window: int) -> Floats:
    """Correlation and covariance over the rows where both are known, shape (2, n_rows)."""
    lacking = np.isnan(x) | np.isnan(y)
    x, y = np.where(lacking, np.nan, x), np.where(lacking, np.nan, y)
    return window_covariance(x, y, anchors(x), anchors(y), block.reach(window), window)


def maximum(block: Block, x: Floats, window: int, sign: int) -> Floats:
    """Largest values of windows; with sign -1 the smallest."""
    return sign * window_maximum(sign * x, block.reach(window), window)


def argmax(block: Block, x: Floats, window: int, sign: int) -> Floats:
    """Places of the largest values of windows, 1 = oldest; with sign -1 of the smallest."""
    return window_argmax(sign * x, block.reach(window), window)


def rank(block: Block, x: Floats, window: int) -> Floats:
    """Ranks of the newest values within their windows, as shares."""
    return window_rank(x, block.reach(window), window)


def quantile(block: Block, x: Floats, window: int, share: float) -> Floats:
    """Quantiles of windows."""
    return window_quantile(x, block.reach(window), window, share)


def row_of(_block: Block, table: Floats, row: int) -> Floats:
    """A row of a kernel's table."""
    return table[row]


def mean_of(_block: Block, table: Floats) -> Floats:
    """Sums over counts."""
    return table[0] / table[1]


def root_of(_block: Block, values: Floats) -> Floats:
    """Standard deviations of variances."""
    return np.sqrt(values)


def unless_flat(_block: Block, table: Floats, variance_of_window: Floats, row: int) -> Floats:
    """A row of a kernel's table, missing where the window is flat."""
    return np.where(np.sqrt(variance_of_window) <= FLAT, np.nan, table[row])


def unless_either_flat(_block: Block, table: Floats, left: Floats, right: Floats, row: int) -> Floats:
    """A row of a kernel's table, missing where one of two windows is flat; `left` and `right` are their variances."""
    return np.where((np.sqrt(left) <= FLAT) | (np.sqrt(right) <= FLAT), np.nan, table[row])
