"""The embedded paper broker: orders are filled at the next open of the warehouse's bars, by the code and at the costs of the backtest."""

from ats_assets.brokers.paper.broker import PaperBroker
from ats_assets.brokers.paper.market import Market, WarehouseMarket

__all__ = ["Market", "PaperBroker", "WarehouseMarket"]
