"""Tick runs bars: a bar closes when the trades of one side are more than was to be expected, whatever the other side did."""

from ats_assets.intraday.bar_ends import BY_TICKS
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class TickRunsSettings(ExpectationSettings):
    """When many trades of one side make a bar."""


class TickRunsSampler(ExpectationSampler):
    """Bars that close when buys alone, or sells alone, are more than was to be expected."""

    measure, runs = BY_TICKS, True


PLUGIN = Plugin(settings=TickRunsSettings, make=TickRunsSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
