"""The smile of one slice, and whether slices allow arbitrage."""

from typing import Final

import numpy as np

from ats_assets.options.surface.smile import Smile
from ats_assets.options.surface.svi import Floats, durrleman
from ats_assets.options.surface.svi_fit import fit_svi

SVI_POINTS: Final = 6
"""Strikes without which there is no SVI, which has five numbers; two of them on each side of the forward."""
SMOOTHED_POINTS: Final = 3
"""Strikes without which there is no smile at all; one of them on each side of the forward."""
BUTTERFLY_POINTS: Final = 201
CALENDAR_POINTS: Final = 41
DEVIATIONS: Final = 3.0
"""From the money within which arbitrage is looked for."""
ROUNDING: Final = 1e-9
"""Of g, and of total variances as a share: less below is no arbitrage but rounding."""


def fitted_smile(forward: float, years: float, k: Floats, volatility: Floats, weight: Floats) -> Smile | str:
    """The smile of points as `usable_quotes.points_of` gives them, or why there is none: a reason of `SURFACE_REASONS`.

    SVI is fitted to total variances, of which an error is 2 volatility years times that of the volatility.
    """
    below, above = len(np.unique(k[k < 0.0])), len(np.unique(k[k >= 0.0]))
    if below + above < SMOOTHED_POINTS:
        return "few_contracts" if below + above else "no_contracts"
    if not below or not above:
        return "one_sided"
    if below + above < SVI_POINTS or min(below, above) < 2:
        return _smoothed(forward, years, k, volatility, weight)
    svi = fit_svi(k, volatility * volatility * years, weight / (volatility * volatility))
    w, slope, bend = (float(each[0]) for each in svi.total_variance(np.zeros(1)))
    if not w > 0.0:
        return "no_variance"
    atm = float(np.sqrt(w / years))
    skew = slope / (2.0 * atm * years)
    curvature = (bend / (2.0 * years) - skew * skew) / atm
    return Smile(forward, years, atm, skew, curvature, float(k[0]), float(k[-1]), svi)


def _smoothed(forward: float, years: float, k: Floats, volatility: Floats, weight: Floats) -> Smile | str:
    """A parabola of the volatility."""
    root, scale = np.sqrt(weight / weight.max()), np.abs(k).max()
    u = k / scale
    found = np.linalg.lstsq(np.column_stack((np.ones(len(u)), u, 0.5 * u * u)) * root[:, None], volatility * root, rcond=None)[0]
    found /= np.array([1.0, scale, scale * scale])
    level, skew, curvature = (float(each) for each in found)
    smile = Smile(forward, years, level, skew, curvature, float(k[0]), float(k[-1]), None)
    inside = np.linspace(smile.lowest, smile.highest, BUTTERFLY_POINTS)
    return smile if (smile.atm_volatility + (smile.skew + 0.5 * smile.curvature * inside) * inside > 0.0).all() else "no_variance"


def error_of(smile: Smile, k: Floats, volatility: Floats, weight: Floats) -> float:
    """The root of the weighted mean square of what is left, in volatility a year."""
    left = np.sqrt(np.maximum(smile.total_variance(k)[0], 0.0) / smile.years) - volatility
    return float(np.sqrt((weight * left * left).sum() / weight.sum()))


def is_butterfly_free(smile: Smile) -> bool:
    """Whether Durrleman's g is nowhere negative, between the lowest and the highest moneyness of the contracts and within three standard deviations."""
    k = np.linspace(*judged_width(smile), BUTTERFLY_POINTS)
    w, slope, bend = smile.total_variance(k)
    return bool((w > 0.0).all() and (durrleman(k, w, slope, bend) >= -ROUNDING).all())


def is_calendar_free(earlier: Smile, later: Smile) -> bool:
    """Whether total variance is nowhere lower at the later expiry, at the same moneyness on the forward of each: where both are judged, at the money at least."""
    (low, high), (lower, higher) = judged_width(earlier), judged_width(later)
    k = np.linspace(max(low, lower), min(high, higher), CALENDAR_POINTS)
    before, after = earlier.total_variance(k)[0], later.total_variance(k)[0]
    return bool((after >= before * (1.0 - ROUNDING)).all())


def judged_width(smile: Smile) -> tuple[float, float]:
    """The moneynesses, zero among them, between which a smile is judged: further out an option costs less than prices tell apart."""
    width = DEVIATIONS * smile.atm_volatility * float(np.sqrt(smile.years))
    return max(smile.lowest, -width), min(smile.highest, width)
