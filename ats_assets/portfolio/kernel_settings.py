"""What kernels are told of the settings: plain numbers under the settings' names, so that a function takes either."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from ats_assets.settings import BacktestSettings, BrakeSettings, MarginSettings, OrderLimitSettings, PortfolioSettings


class WeightRules(NamedTuple):
    """Of `PortfolioSettings`."""

    max_weight: float
    max_gross: float
    max_net: float
    max_turnover: float
    no_trade_band: float


class CostRules(NamedTuple):
    """Of `BacktestSettings`: what trades cost, and in what units they are made."""

    commission_bps: float
    spread_bps: float
    slippage_bps: float
    min_commission: float
    delisting_haircut: float
    max_missing_sessions: int
    fractional_shares: bool


class MarginRules(NamedTuple):
    """Of `MarginSettings`, without the rates of single symbols."""

    debit_bps_a_year: float
    initial_share: float
    maintenance_share_long: float
    maintenance_share_short: float


class LimitRules(NamedTuple):
    """Of `OrderLimitSettings`; infinite is none."""

    allow_short: bool
    max_order_share: float
    max_day_share: float
    max_order_notional: float
    max_day_notional: float
    max_position_share: float
    max_position_notional: float
    max_gross_share: float
    lot_shares: int
    min_trade_notional: float


class BrakeRules(NamedTuple):
    """Of `BrakeSettings`; infinite is none."""

    brake_from: float
    max_drawdown: float
    floor: float
    peak_sessions: int
    max_session_loss: float
    after_loss: float
    cooldown_sessions: int


_Rules = TypeVar("_Rules", WeightRules, CostRules, MarginRules, LimitRules, BrakeRules)
NO_LIMITS = LimitRules(
    allow_short=True,
    max_order_share=math.inf,
    max_day_share=math.inf,
    max_order_notional=math.inf,
    max_day_notional=math.inf,
    max_position_share=math.inf,
    max_position_notional=math.inf,
    max_gross_share=math.inf,
    lot_shares=1,
    min_trade_notional=0.0,
)


def weight_rules(settings: PortfolioSettings) -> WeightRules:
    """The limits on weights."""
    return _of(WeightRules, settings)


def cost_rules(settings: BacktestSettings) -> CostRules:
    """What trades cost."""
    return _of(CostRules, settings)


def margin_rules(settings: MarginSettings) -> MarginRules:
    """What may be borrowed."""
    return _of(MarginRules, settings)


def limit_rules(settings: OrderLimitSettings | None) -> LimitRules:
    """The limits of orders; None is none."""
    return NO_LIMITS if settings is None else _of(LimitRules, settings)


def brake_rules(settings: BrakeSettings | None) -> BrakeRules:
    """How losses lower exposure; None is not at all."""
    return _of(BrakeRules, settings or BrakeSettings())


def _of(rules: type[_Rules], settings: BaseModel) -> _Rules:
    """The values under the rules' names, each of the kind that the rules say: compiled code is for kinds, and 1 is of another one than 1.0."""
    kinds: Mapping[str, type] = rules.__annotations__
    told: dict[str, Any] = {name: getattr(settings, name) for name in kinds}
    return rules(**{name: kinds[name](math.inf if value is None else value) for name, value in told.items()})
