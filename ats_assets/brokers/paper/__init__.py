"""The embedded paper broker: orders are filled at the next open of the warehouse's bars, by the code and at the costs of the backtest."""

from ats_assets.brokers.paper.broker import PaperBroker
from ats_assets.brokers.paper.stored_market import MarketData, WarehouseMarket
from ats_assets.execution.broker import BrokerOpening, BrokerPlugin
from ats_assets.settings import Section

__all__ = ["PLUGIN", "MarketData", "PaperBroker", "WarehouseMarket"]


class PaperSettings(Section):
    """It has none of its own: cash and costs are those of the section `backtest`."""


def open_paper(_own: PaperSettings, opening: BrokerOpening) -> PaperBroker:
    """The account in the trade state, traded in the bars of the warehouse."""
    settings = opening.deployment.settings
    return PaperBroker(opening.state, WarehouseMarket(opening.deployment), settings.backtest, settings.orders)


PLUGIN = BrokerPlugin(settings=PaperSettings, make=open_paper, embedded=True)
