"""What trades of some sizes cost, for what judges before there is an order: risk rules, and how long positions are held. The formula is that of backtests and the paper broker.

    cost = max(commission_bps, min_commission / value) + half of the spread + slippage

of a trade of `value`, as a share of it; spread and slippage are those of the model of `[impact]`, by what was known of the symbol at the session's close, and the fixed rates of
`[backtest]` where there is none or it lacks something. The model counts as it is published: its fit to one's own fills comes after the targets that these were made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.impact.impact_model import ImpactMarket, ImpactModel, costs_in_parts, model_terms
from ats_assets.impact.impact_terms import Floats
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.plugins import IMPACT_MODELS
from ats_assets.settings import BacktestSettings, Bps, Section
from ats_assets.settings.section import Name

KNOWN = ("dollar_volume", "volatility", "spread")
"""Of `impact_inputs`, what prices a trade."""


class PricedTrades(Section):
    """Of `[backtest]` and `[impact]`, what a trade costs; found, not given.

    Examples
    --------
    >>> trades = PricedTrades(commission_bps=1.0, spread_bps=4.0, slippage_bps=2.0, min_commission=1.0)
    >>> (1e4 * trades.prices().one_way(np.array([1_000.0, 100_000.0]))).round(6).tolist()  # the least commission is 10 basis points of a thousand
    [14.0, 5.0]
    """

    commission_bps: Bps = 1.0
    spread_bps: Bps = 4.0
    slippage_bps: Bps = 2.0
    min_commission: float = Field(default=0.0, ge=0)
    model: Name = "fixed"
    options: dict[str, Any] = Field(default={})
    turnover_days: dict[str, float] = Field(default={})
    folder: Path | None = Field(default=None, exclude=True, description="of the user's own additions")

    @property
    def reads_market(self) -> bool:
        """Whether costs depend on the rows of `impact_inputs`."""
        return self.model != "fixed"

    @property
    def depends_on_size(self) -> bool:
        """Whether a unit of a trade costs more or less by the trade's size."""
        return self.reads_market or self.min_commission > 0.0

    def prices(self) -> "TradePrices":
        """What prices trades by these settings.

        Raises
        ------
        SettingsError
            If there is no such model, or it does not know one of the options.
        """
        rates = BacktestSettings(**self.model_dump(include={"commission_bps", "spread_bps", "slippage_bps", "min_commission"}))
        model = IMPACT_MODELS.made(self.model, self.options, self.folder, "impact.model")
        return TradePrices(rates=rates, model=model, turnover_days=self.turnover_days)


@dataclass(frozen=True, kw_only=True)
class TradePrices:
    """The rates and the model."""

    rates: BacktestSettings
    model: ImpactModel
    turnover_days: Mapping[str, float]

    def one_way(self, values: Floats, market: ImpactMarket | None = None) -> Floats:
        """The cost of each trade, as a share of its value.

        Parameters
        ----------
        values
            In currency, of shape (n,); a trade of nothing costs nothing.
        market
            What is known of the symbol of each, arrays of shape (n,); None where nothing is known of any.

        Returns
        -------
        numpy.ndarray
            Shape (n,).
        """
        values = np.abs(values)
        if market is None:
            unknown = np.full(len(values), np.nan)
            market = ImpactMarket(unknown, unknown, unknown, unknown, unknown)
        terms, why = model_terms(self.model, market, self.rates)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.where(values > 0.0, self.rates.min_commission / values, 0.0)
        whole = costs_in_parts(values, terms, why).total + np.maximum(self.rates.commission_bps / 1e4, least)
        return np.where(values > 0.0, whole, 0.0)

    def market_of(self, rows: pl.DataFrame, market: pl.DataFrame | None) -> ImpactMarket | None:
        """What was known of the symbol of each row at its session's close.

        Parameters
        ----------
        rows
            symbol, session.
        market
            Rows of `impact_inputs`; None where no model reads them.
        """
        if market is None:
            return None
        named = rows.select("symbol", "session")
        found = named.join(market.select(MARKET_SCHEMA.names()), on=["symbol", "session"], how="left", maintain_order="left")
        known = {name: found[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in KNOWN}
        return self.known_market([*found["symbol"]], **known)

    def known_market(self, symbols: Sequence[str], *, dollar_volume: Floats, volatility: Floats, spread: Floats) -> ImpactMarket:
        """What is known of some symbols, arrays of shape (n_symbols,); NaN where nothing is."""
        days = np.array([self.turnover_days.get(symbol, np.nan) for symbol in symbols], dtype=np.float64)
        return ImpactMarket(dollar_volume, volatility, spread / 2.0, np.full(len(days), np.nan), days)


def priced_trades(deployment: Deployment) -> PricedTrades:
    """What trades of a deployment cost; use it as `deployment.of(priced_trades)`."""
    traded, impact = deployment.settings.backtest, deployment.settings.impact
    moved = {"model": impact.model, "options": impact.options, "turnover_days": impact.turnover_days} if impact.is_on else {}
    return PricedTrades(
        commission_bps=traded.commission_bps,
        spread_bps=traded.spread_bps,
        slippage_bps=traded.slippage_bps,
        min_commission=traded.min_commission,
        folder=deployment.settings.plugins.folder,
        **moved,
    )
