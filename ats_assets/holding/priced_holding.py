"""What the trades of strategies cost where a unit of a trade costs more or less by its size: a model of impact, or a least commission."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.impact.priced_trades import TradePrices, priced_trades


@dataclass(frozen=True, kw_only=True)
class HoldingPrices:
    """What prices them.

    Attributes
    ----------
    capital
        Of each strategy, in currency.
    market
        Rows of `impact_inputs`; None where no model of impact reads them.
    """

    prices: TradePrices
    capital: Mapping[str, float]
    market: pl.DataFrame | None


def capital_of(deployment: Deployment) -> dict[str, float]:
    """What each strategy begins with, in currency; of those that have something."""
    return {name: share * deployment.settings.backtest.initial_cash for name, share in deployment.settings.capital.items() if share}


def holding_prices(deployment: Deployment, market: pl.DataFrame | None) -> HoldingPrices | None:
    """What prices trades, from rows of `impact_inputs` where a model reads them; None where a unit costs the same whatever is traded at once."""
    trades = deployment.of(priced_trades)
    return HoldingPrices(prices=trades.prices(), capital=capital_of(deployment), market=market) if trades.depends_on_size else None
