"""Kernels of the third and the fourth central moment: sums over two parts of a window are merged into the sum over both.

Source: P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments", Sandia report
SAND2008-6212 (2008). Everywhere n, m are the counts and s, r the sums of the newer and the older part; a part without values leaves the other as it is.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import Final

import numpy as np

from ats_assets.expressions.compiled import inlined

FLAT_SQUARED: Final = 2.0**-46
"""A window is flat up to this share of its squared mean as variance: a standard deviation of 2^-23 of the mean, one to two of the smallest steps of float32. Times a power of two
nothing changes, not a bit."""

SMALLEST_VARIANCE: Final = 1e-14
"""Up to this population variance qlib (pandas) calls skewness and kurtosis missing, but where all values are equal. It depends on the unit: it is an option."""

SPLITTER: Final = 2.0**14 + 1
"""Takes 14 bits from a float64 (Veltkamp's splitting; Dekker, Numerische Mathematik 18, 1971); sums of up to 2^14 equal values are exact then."""


@inlined
def trim(d, x):
    """The value rounded to 39 significant bits: where values are equal, nothing may be left of them less their mean. float32 values stay as they are."""
    for i in range(d.size):
        product = x[i] * SPLITTER
        d[i] = product - (product - x[i]) if abs(product) < np.inf else x[i]


@inlined
def third_merge(d, newer, older, newer2, older2, n, m, s, r):
    """Sum of cubed deviations; newer2, older2 are sums of squared ones."""
    for i in range(d.size):
        both = max(n[i] + m[i], 1.0)
        product = n[i] * m[i]
        step = (r[i] * n[i] - s[i] * m[i]) / max(product, 1.0)
        cubes = step * step * step * (product * (n[i] - m[i]) / (both * both))
        d[i] = (newer[i] + older[i]) + (cubes + 3.0 * step * ((n[i] * older2[i] - m[i] * newer2[i]) / both))


@inlined
def fourth_merge(d, newer, older, newer3, older3, n, m, s, r):
    """Sum of deviations to the fourth, without the share of the squared ones; newer3, older3 are sums of cubed ones."""
    for i in range(d.size):
        both = max(n[i] + m[i], 1.0)
        product = n[i] * m[i]
        step = (r[i] * n[i] - s[i] * m[i]) / max(product, 1.0)
        square = step * step
        fourths = square * square * (product * (n[i] * n[i] - product + m[i] * m[i]) / (both * both * both))
        d[i] = (newer[i] + older[i]) + (fourths + 4.0 * step * ((n[i] * older3[i] - m[i] * newer3[i]) / both))


@inlined
def fourth_complete(d, partial, newer2, older2, n, m, s, r):
    """`fourth_merge` with the share of the squared deviations."""
    for i in range(d.size):
        both = max(n[i] + m[i], 1.0)
        step = (r[i] * n[i] - s[i] * m[i]) / max(n[i] * m[i], 1.0)
        d[i] = partial[i] + 6.0 * step * step * ((n[i] * n[i] * older2[i] + m[i] * m[i] * newer2[i]) / (both * both))


@inlined
def window_skewness(d, third, second, count, sums, qlib):
    """Sample skewness, with the correction for bias (the adjusted Fisher-Pearson coefficient); 0 where all values are equal."""
    for i in range(d.size):
        n = count[i]
        variance = second[i] / n
        least = SMALLEST_VARIANCE if qlib == 1.0 else FLAT_SQUARED * (sums[i] / n) * (sums[i] / n)
        if n < 3.0 or (0.0 < variance <= least):
            d[i] = np.nan
        elif second[i] <= 0.0:
            d[i] = 0.0
        else:
            d[i] = np.sqrt(n * (n - 1.0)) * (third[i] / n) / ((n - 2.0) * variance * np.sqrt(variance))


@inlined
def window_kurtosis(d, fourth, second, count, sums, qlib):
    """Sample excess kurtosis, with the correction for bias; -3 where all values are equal."""
    for i in range(d.size):
        n = count[i]
        variance = second[i] / n
        least = SMALLEST_VARIANCE if qlib == 1.0 else FLAT_SQUARED * (sums[i] / n) * (sums[i] / n)
        if n < 4.0 or (0.0 < variance <= least):
            d[i] = np.nan
        elif second[i] <= 0.0:
            d[i] = -3.0
        else:
            ratio = (n * n - 1.0) * (fourth[i] / n) / (variance * variance)
            d[i] = (ratio - 3.0 * (n - 1.0) * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
