"""Smiles of total variance in the form SVI (Gatheral, The Volatility Surface, 2006, chapter 3), and Durrleman's condition on any smile.

Total variance is volatility squared times years; it is a function of the log-moneyness k = ln(strike / forward):

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RawSvi(NamedTuple):
    """The five numbers of a slice: `a` and `b` in total variance, `m` and `sigma` in log-moneyness, -1 < `rho` < 1."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def total_variance(self, k: Floats) -> tuple[Floats, Floats, Floats]:
        """Total variance at log-moneynesses, and its first and second derivative by them.

        Examples
        --------
        >>> flat = RawSvi(a=0.04, b=0.0, rho=0.0, m=0.0, sigma=0.1)
        >>> flat.total_variance(np.array([-0.1, 0.2]))[0].tolist()
        [0.04, 0.04]
        """
        away = k - self.m
        root = np.sqrt(away * away + self.sigma * self.sigma)
        slope = self.b * (self.rho + away / root)
        return self.a + self.b * (self.rho * away + root), slope, self.b * self.sigma * self.sigma / (root * root * root)


def durrleman(k: Floats, w: Floats, slope: Floats, bend: Floats) -> Floats:
    """Durrleman's g: where it is negative, a butterfly of options costs less than nothing (Gatheral and Jacquier, Quantitative Finance 14, 2014, section 2.2).

    Parameters
    ----------
    k, w, slope, bend
        Log-moneyness, total variance, its first and second derivative: ndarrays of one shape.

    Examples
    --------
    >>> durrleman(np.array([0.0, 0.3]), np.array([0.04, 0.04]), np.zeros(2), np.zeros(2)).tolist()
    [1.0, 1.0]
    """
    tilt = 1.0 - 0.5 * k * slope / w
    return tilt * tilt - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend


def risk_neutral_density(k: Floats, w: Floats, slope: Floats, bend: Floats) -> Floats:
    """The density of the log of the price at expiry over the forward: g / sqrt(2 pi w) exp(-d^2 / 2), d = -k / sqrt(w) - sqrt(w) / 2. Parameters as `durrleman`."""
    d = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    return durrleman(k, w, slope, bend) / np.sqrt(2.0 * np.pi * w) * np.exp(-0.5 * d * d)
