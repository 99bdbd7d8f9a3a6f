"""The embedded paper broker: orders are filled at the next open of the warehouse's bars, by the code and at the costs of the backtest."""

from collections.abc import Callable
from datetime import date

from ats_assets.algorithms.algorithm import Algorithm
from ats_assets.brokers.paper.broker import PaperBroker
from ats_assets.brokers.paper.option_market import PaperOptionTrading
from ats_assets.brokers.paper.stored_market import MarketData, WarehouseMarket
from ats_assets.brokers.paper.worked_parts import PaperWorking
from ats_assets.execution.broker import BrokerOpening, BrokerPlugin
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.execution.working import recorded_algorithm
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.option_backtests.traded_strategies import traded_strategies, trading_rules
from ats_assets.option_backtests.warehouse_options import WarehouseOptions
from ats_assets.portfolio.working_rules import working_rules
from ats_assets.settings import Section, Settings

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
    rules = deployment.of(working_rules)
    working = (
        None if rules is None else PaperWorking(days=rules.days, make=_made(settings), volume_share=settings.orders.minute_volume_share)
    )

    def impact(session: date) -> MarketImpact | None:
        return stored_impact(deployment, [session])

    market = WarehouseMarket(deployment)
    return PaperBroker(opening.state, market, settings.backtest, settings.orders, options, impact=impact, working=working)


def _made(settings: Settings) -> Callable[[WorkPlan], Algorithm]:
    return lambda plan: recorded_algorithm(plan, settings.plugins.folder)


PLUGIN = BrokerPlugin(settings=PaperSettings, make=open_paper, embedded=True)
