"""The strategies of options of a deployment with their capital, and how their decisions are traded: the same for the backtest, on paper and live."""

from decimal import Decimal

from ats_assets.deployment import Deployment
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.option_strategies.choosing import option_strategies
from ats_assets.option_strategies.fills import OptionFillRules, decimal_of
from ats_assets.settings import Settings


def traded_strategies(deployment: Deployment) -> tuple[TradedStrategy, ...]:
    """Each with its share of `option_backtest.initial_cash`, in the order of the settings; use it as `deployment.of(traded_strategies)`.

    Raises
    ------
    SettingsError
        If one is named wrongly.
    """
    cash = Decimal(repr(deployment.settings.option_backtest.initial_cash))
    return tuple(
        TradedStrategy(
            name=one.name,
            strategy=one.strategy,
            underlyings=one.underlyings,
            capital=(cash * Decimal(repr(one.capital))).quantize(Decimal("0.01")),
        )
        for one in deployment.of(option_strategies).values()
    )


def trading_rules(settings: Settings) -> OptionTradingRules:
    """How decisions are traded and what borrowing costs, by the settings."""
    own, margin = settings.option_backtest, settings.backtest.margin

    def exact(value: float) -> Decimal:
        return decimal_of(value) or Decimal(0)

    return OptionTradingRules(
        fills=OptionFillRules(
            spread_share=exact(own.spread_share),
            fee_per_contract=exact(own.fee_per_contract),
            share_cost_bps=exact(own.share_cost_bps),
        ),
        account=own.account,
        fee_per_assignment=exact(own.fee_per_assignment),
        puts_at_rate=settings.options.rate if own.assign_puts_early else None,
        debit_rate=exact(margin.debit_bps_a_year) / 10_000,
        borrow_rate=exact(margin.borrow_bps_a_year) / 10_000,
    )
