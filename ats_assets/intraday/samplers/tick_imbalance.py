"""Tick imbalance bars: a bar closes when buys outnumber sells, or sells buys, by more than was to be expected."""

from ats_assets.intraday.bar_ends import BY_TICKS
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class TickImbalanceSettings(ExpectationSettings):
    """When more trades of one side make a bar."""


class TickImbalanceSampler(ExpectationSampler):
    """Bars that close when buys outnumber sells, or sells buys, by more than was to be expected."""

    measure, runs = BY_TICKS, False


PLUGIN = Plugin(settings=TickImbalanceSettings, make=TickImbalanceSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
