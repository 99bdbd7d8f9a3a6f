"""What trades of a session cost at the paper broker, where settings name a model of market impact: as in a backtest, by what was known at the close before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from ats_assets.brokers.paper.day import Day
from ats_assets.corporate_actions.identity import NAME_CHANGE
from ats_assets.impact import ImpactTerms
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.settings import BacktestSettings


def paper_terms(
    impact: MarketImpact, before: date, *, symbols: Sequence[str], day: Day, actions: pl.DataFrame, costs: BacktestSettings
) -> ImpactTerms:
    """Arrays of shape (n_symbols,).

    Parameters
    ----------
    before
        The session at whose close the orders were decided.
    symbols
        As they are called from the open of the day on.
    actions
        Of the open, see `MarketData.actions`: a symbol is known under its name of the close before.
    """
    named = replace(impact, inputs=_as_called_now(impact.inputs.filter(session=before), actions))
    terms, _ = named.terms(named.inputs_at(before, symbols), costs, volume=day.volume, scale=impact.scale_before(day.session))
    return terms


def _as_called_now(inputs: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """The rows under the tickers of the open; who has lost theirs to another is left out."""
    if "new_symbol" not in actions.columns:
        return inputs
    renamed = dict(actions.filter(pl.col("kind") == NAME_CHANGE).select("symbol", "new_symbol").iter_rows())
    lost = set(renamed.values()) - renamed.keys()
    return inputs.filter(~pl.col("symbol").is_in(list(lost))).with_columns(pl.col("symbol").replace(renamed)) if renamed else inputs
