"""The embedded paper broker: orders are filled at the next open of the warehouse's bars, by the code and at the costs of the backtest."""

from datetime import date

from ats_assets.brokers.paper.broker import PaperBroker
from ats_assets.brokers.paper.option_market import PaperOptionTrading
from ats_assets.brokers.paper.stored_market import MarketData, WarehouseMarket
from ats_assets.execution.broker import BrokerOpening, BrokerPlugin
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.option_backtests.traded_strategies import traded_strategies, trading_rules
from ats_assets.option_backtests.warehouse_options import WarehouseOptions
from ats_assets.settings import Section

__all__ = ["PLUGIN", "MarketData", "PaperBroker", "WarehouseMarket"]


class PaperSettings(Section):
    """It has none of its own: cash and costs are those of the section `backtest`, for options those of `option_backtest`."""


def open_paper(_own: PaperSettings, opening: BrokerOpening) -> PaperBroker:
    """The account in the trade state, traded in the bars of the warehouse, and in its option chains where settings name strategies of options."""
    deployment, settings = opening.deployment, opening.deployment.settings
    strategies, options = deployment.of(traded_strategies), None
    if strategies:
        market = WarehouseOptions(deployment)
        options = PaperOptionTrading(market=market, strategies=strategies, rules=trading_rules(settings), symbols=market.symbols)

    def impact(session: date) -> MarketImpact | None:
        return stored_impact(deployment, [session])

    return PaperBroker(opening.state, WarehouseMarket(deployment), settings.backtest, settings.orders, options, impact=impact)


PLUGIN = BrokerPlugin(settings=PaperSettings, make=open_paper, embedded=True)
