"""The row of `impact_fit`: the model of impact fitted to what orders have cost."""

from datetime import date

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.impact import ImpactMarket, ImpactModel, chosen_impact, model_terms
from ats_assets.impact.contracts import ImpactFit
from ats_assets.impact.impact_model import costs_in_parts
from ats_assets.impact.market_impact import turnover_of
from ats_assets.impact.scale_fit import fit_scale
from ats_assets.impact.schema import FIT_SCHEMA
from ats_assets.settings import BacktestSettings, ImpactSettings


def fit_row(deployment: Deployment, session: date, costs: pl.DataFrame) -> pl.DataFrame:
    """The contract `ImpactFit` of one session.

    Parameters
    ----------
    costs
        Rows of the contract `TransactionCosts` of sessions up to it.
    """
    settings = deployment.settings.impact
    found = fit_scale(orders_to_fit(costs, deployment.of(chosen_impact), settings, deployment.settings.backtest), settings)
    row = {
        "session": session,
        "model": settings.model,
        "fills": found.fills,
        "sessions": found.sessions,
        "scale": found.scale,
        "fitted": found.fitted,
        "standard_error": found.standard_error,
        "beside_bps": None if found.beside is None else 1e4 * found.beside,
        "beside_error_bps": None if found.beside_error is None else 1e4 * found.beside_error,
        "reason": found.reason,
    }
    return ImpactFit.validate(pl.DataFrame([row], schema=FIT_SCHEMA))


def orders_to_fit(costs: pl.DataFrame, model: ImpactModel, settings: ImpactSettings, rates: BacktestSettings) -> pl.DataFrame:
    """What `fit_scale` reads: slippage, and what the model as published expects; orders of which it knows too little are left out."""
    participation = costs["participation"].fill_null(float("nan")).to_numpy()
    market = ImpactMarket(
        dollar_volume=np.where(np.isfinite(participation), 1.0, np.nan),
        volatility=costs["volatility"].fill_null(float("nan")).to_numpy(),
        half_spread=costs["spread"].fill_null(float("nan")).to_numpy() / 2.0,
        duration_days=np.full(costs.height, np.nan),
        turnover_days=turnover_of(settings, costs["symbol"].to_list()),
    )
    terms, why = model_terms(model, market, rates)
    parts = costs_in_parts(participation, terms, why)
    impact = np.where(np.isfinite(terms.dollar_volume), parts.permanent + parts.temporary, np.nan)
    return costs.select("session", "volatility", slippage=pl.col(f"slippage_{settings.fit_against}_bps") / 1e4).with_columns(
        impact=pl.Series(impact).fill_nan(None), beside=pl.Series(parts.fixed + parts.spread)
    )
