"""Capacity: how much of the annual return market impact would take from a larger account that trades the same targets.

The impact of a trade is that of a model (`ats_assets.impact`): the one that the backtest traded by, or where its costs are fixed rates the square-root law. With the capital m times
the backtest's, each trade is m times as large, and what impact costs a year as a share of equity grows with a power of m, by the square-root law with sqrt(m). The account is taken
to trade in one go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.impact import ImpactMarket, ImpactModel, model_terms
from ats_assets.impact.impact_model import costs_in_parts
from ats_assets.risk_analysis.resampling import Floats
from ats_assets.settings import BacktestSettings

LARGE_SHARE = 0.1
"""Of a session's dollar volume: more can hardly be traded unnoticed."""
NO_RATES = BacktestSettings(spread_bps=0.0, slippage_bps=0.0)
"""Impact alone."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """At one size of the account."""

    multiple: float
    capital: float
    impact_a_year: float
    """Cost as a share of equity."""
    annual_return: float | None
    """Of the backtest, less the impact; what the backtest has paid of it already is not taken twice."""
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
    model: ImpactModel,
    multiples: Sequence[float],
    is_paid: bool = False,
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
    model
        Of market impact.
    is_paid
        Whether the annual return is after impact at the backtest's own capital.

    Examples
    --------
    >>> from ats_assets.impact import model_named
    >>> one = {"annual_return": 0.1, "years": 1.0, "capital": 1e6, "model": model_named("square_root"), "multiples": (1.0, 4.0)}
    >>> small, large = capacity_table(np.array([0.5]), np.array([50.0]), np.array([0.02]), **one)
    >>> round(small.impact_a_year, 6), round(large.impact_a_year, 6), round(large.annual_return, 6)
    (0.001, 0.002, 0.098)
    """
    known = np.isfinite(volumes) & (volumes > 0.0) & np.isfinite(deviations)
    size, participation = shares[known], shares[known] / volumes[known]
    nothing = np.full(len(size), np.nan)
    market = ImpactMarket(volumes[known], deviations[known], half_spread=nothing, duration_days=nothing, turnover_days=nothing)
    terms, why = model_terms(model, market, NO_RATES)
    whole = float(size.sum())

    def drag(m: float) -> float:
        costs = costs_in_parts(m * size, terms, why)
        return float(((costs.permanent + costs.temporary) * size).sum()) / years if years > 0.0 else 0.0

    gross = None if annual_return is None else annual_return + (drag(1.0) if is_paid else 0.0)
    return [
        Capacity(
            multiple=m,
            capital=m * capital,
            impact_a_year=drag(m),
            annual_return=None if gross is None else gross - drag(m),
            large_share=float(size[participation * m > LARGE_SHARE].sum()) / whole if whole > 0.0 else 0.0,
        )
        for m in multiples
    ]


def break_even_capital(capitals: Sequence[float], impacts: Sequence[float], gross: float | None) -> float | None:
    """The capital at which impact takes all of an annual return: between two rows of the table, or beyond them, by the power of capital that the nearest two show.

    Parameters
    ----------
    capitals, impacts
        Of the table, ascending: two at least, or there is no power to see.
    gross
        The annual return before impact.

    Returns
    -------
    None where there is no return to take, or no impact.

    Examples
    --------
    >>> break_even_capital([1e6, 4e6], [0.01, 0.02], 0.1)
    100000000.0
    """
    if gross is None or gross <= 0.0 or len(impacts) < 2 or min(impacts) <= 0.0:
        return None
    at, logs, sizes = np.log(gross), np.log(np.array(impacts)), np.log(np.array(capitals))
    i = int(np.clip(np.searchsorted(logs, at), 1, len(logs) - 1))
    if logs[i] <= logs[i - 1]:
        return None
    power = (sizes[i] - sizes[i - 1]) / (logs[i] - logs[i - 1])
    return round(float(np.exp(sizes[i - 1] + power * (at - logs[i - 1]))), 2)


def break_even_of(capacity: pl.DataFrame) -> float | None:
    """The same of the stored table, which has one row at least."""
    first = capacity.row(0, named=True)
    gross = None if first["annual_return"] is None else first["annual_return"] + first["impact_a_year"]
    return break_even_capital(capacity["capital"].to_list(), capacity["impact_a_year"].to_list(), gross)
