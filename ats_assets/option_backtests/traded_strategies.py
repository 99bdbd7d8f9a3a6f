"""The strategies of options of a deployment with their capital, and how their decisions are traded: the same for the backtest, on paper and live."""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.option_strategies.choosing import NamedOptionStrategy, option_strategies, settings_of_strategies
from ats_assets.option_strategies.fills import OptionFillRules, decimal_of
from ats_assets.options.rates import rate_by_session, rate_settings
from ats_assets.settings import Section, Settings


class YearAndSpot(Section):
    """By what figures are put on a year's scale, and where closes come from."""

    sessions_per_year: int
    spot: str


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


def trading_settings(settings: Settings, strategies: Mapping[str, NamedOptionStrategy]) -> tuple[BaseModel, ...]:
    """What the trading of strategies depends on, whether in a backtest or by orders: for the version of what comes of it."""
    rates = rate_settings(settings.options)
    rest = YearAndSpot(sessions_per_year=settings.backtest.sessions_per_year, spot=settings.options.spot)
    of_all = (settings.option_backtest, settings.backtest.margin, settings.options.paying, rates, rest)
    return (*of_all, *settings_of_strategies(strategies))


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
        puts_at_rate=rate_by_session(settings.options) if own.assign_puts_early else None,
        debit_rate=exact(margin.debit_bps_a_year) / 10_000,
        borrow_rate=exact(margin.borrow_bps_a_year) / 10_000,
    )
