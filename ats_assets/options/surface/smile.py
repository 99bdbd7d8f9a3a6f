"""The smile of one expiry as `volatility_surface` keeps it: SVI, or where contracts are few a smoothed one, and what can be read off it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np

from ats_assets.options.surface.svi import Floats, RawSvi

ROUNDS_OF_DELTA: Final = 60
"""Of halving the interval in which a strike has a wanted delta: to 1e-16 of its width."""
FARTHEST: Final = 8.0
"""Standard deviations from the money within which it lies."""


@dataclass(frozen=True, slots=True)
class Smile:
    """Volatility by log-moneyness k = ln(strike / forward) at one expiry.

    A smoothed smile is volatility = atm + skew k + curvature k^2 / 2 between the lowest and the highest moneyness, and flat beyond.

    Attributes
    ----------
    svi
        None of a smoothed smile.
    """

    forward: float
    years: float
    atm_volatility: float
    skew: float
    curvature: float
    lowest: float
    highest: float
    svi: RawSvi | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Smile":
        """The smile of a row of `volatility_surface` that has one."""
        svi = RawSvi(row["a"], row["b"], row["rho"], row["m"], row["sigma"]) if row["method"] == "svi" else None
        of_row = (
            row[name] for name in ("forward", "years", "atm_volatility", "skew", "curvature", "lowest_moneyness", "highest_moneyness")
        )
        return cls(*of_row, svi=svi)

    def total_variance(self, k: Floats) -> tuple[Floats, Floats, Floats]:
        """Total variance at log-moneynesses of shape (n,), and its first and second derivative."""
        if self.svi is not None:
            return self.svi.total_variance(k)
        inside = np.clip(k, self.lowest, self.highest)
        level = self.atm_volatility + (self.skew + 0.5 * self.curvature * inside) * inside
        bends = inside == k
        slope, bend = np.where(bends, self.skew + self.curvature * inside, 0.0), np.where(bends, self.curvature, 0.0)
        return self.years * level * level, 2.0 * self.years * level * slope, 2.0 * self.years * (slope * slope + level * bend)

    def volatility(self, k: float) -> float:
        """Implied volatility a year at a log-moneyness."""
        return sqrt(max(float(self.total_variance(np.array([k]))[0][0]), 0.0) / self.years)

    def volatility_of_delta(self, delta: float) -> float:
        """Implied volatility of the out-of-the-money option of a forward delta N(d1): 0.25 of a call, -0.25 of a put; NaN where no strike has it.

        The delta is that on the forward, undiscounted, which is the convention where no option has a rate of its own (Wystup, FX Options and Structured Products, 2006, section 1.5).

        Examples
        --------
        >>> flat = Smile(100.0, 1.0, 0.2, 0.0, 0.0, -0.5, 0.5, None)
        >>> flat.volatility_of_delta(0.25), flat.volatility_of_delta(-0.25)
        (0.2, 0.2)
        """
        from scipy.special import ndtri  # noqa: PLC0415 - a fifth of a second that only smiles need

        wanted = float(ndtri(delta if delta > 0.0 else 1.0 + delta))  # d1 falls as k rises

        def above(k: float) -> float:
            root = self.volatility(k) * sqrt(self.years)
            return -k / root + 0.5 * root - wanted if root > 0.0 else (np.inf if k < 0.0 else -np.inf)

        width = FARTHEST * self.atm_volatility * sqrt(self.years)
        low, high = (0.0, width) if delta > 0.0 else (-width, 0.0)
        if not above(low) >= 0.0 >= above(high):
            return float("nan")
        for _ in range(ROUNDS_OF_DELTA):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if above(middle) > 0.0 else (low, middle)
        return self.volatility(0.5 * (low + high))
