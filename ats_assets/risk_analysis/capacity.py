"""Capacity: how much of the annual return market impact would take from a larger account that trades the same targets.

The impact of a trade is `impact` times the symbol's daily standard deviation times the square root of the share that the trade has of its dollar volume (the square-root law:
Grinold and Kahn, Active Portfolio Management, 2nd ed. 2000, chapter 16; Almgren et al., "Direct estimation of equity market impact", 2005, find a power of 0.6). With the
capital m times the backtest's, each trade is m times as large, and what impact costs a year as a share of equity grows with sqrt(m). The account is taken to trade in one go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ats_assets.risk_analysis.resampling import Floats

LARGE_SHARE = 0.1
"""Of a session's dollar volume: more can hardly be traded unnoticed."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """At one size of the account."""

    multiple: float
    capital: float
    impact_a_year: float
    """Cost as a share of equity."""
    annual_return: float | None
    """Of the backtest, less the impact."""
    large_share: float
    """Of the trades, by their value, those above a tenth of the dollar volume."""


def capacity_table(
    shares: Floats,
    volumes: Floats,
    deviations: Floats,
    *,
    annual_return: float | None,
    years: float,
    capital: float,
    impact: float,
    multiples: Sequence[float],
) -> list[Capacity]:
    """The account at multiples of its capital.

    Parameters
    ----------
    shares
        Of each trade its value as a share of equity at the time, of shape (n_trades,).
    volumes
        The symbol's usual dollar volume over the equity at the time, of the same shape; NaN where not known: the trade has no impact.
    deviations
        The symbol's daily standard deviation, of the same shape.
    years
        That the trades span.

    Examples
    --------
    >>> one = {"annual_return": 0.1, "years": 1.0, "capital": 1e6, "impact": 1.0, "multiples": (1.0, 4.0)}
    >>> small, large = capacity_table(np.array([0.5]), np.array([50.0]), np.array([0.02]), **one)
    >>> round(small.impact_a_year, 6), round(large.impact_a_year, 6), round(large.annual_return, 6)
    (0.001, 0.002, 0.098)
    """
    known = np.isfinite(volumes) & (volumes > 0.0) & np.isfinite(deviations)
    size, participation = shares[known], shares[known] / volumes[known]
    drag = float((impact * deviations[known] * np.sqrt(participation) * size).sum()) / years if years > 0.0 else 0.0
    whole = float(size.sum())
    return [
        Capacity(
            multiple=m,
            capital=m * capital,
            impact_a_year=drag * m**0.5,
            annual_return=None if annual_return is None else annual_return - drag * m**0.5,
            large_share=float(size[participation * m > LARGE_SHARE].sum()) / whole if whole > 0.0 else 0.0,
        )
        for m in multiples
    ]


def break_even_capital(annual_return: float | None, impact_a_year: float, capital: float) -> float | None:
    """The capital at which impact takes all of the annual return: capital * (return / impact)^2; None where there is none to take, or no impact.

    Examples
    --------
    >>> break_even_capital(0.1, 0.01, 1e6)
    100000000.0
    """
    if annual_return is None or annual_return <= 0.0 or impact_a_year <= 0.0:
        return None
    return round(capital * (annual_return / impact_a_year) ** 2, 2)
