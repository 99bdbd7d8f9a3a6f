"""Tick bars: equally many ticks each."""

from ats_assets.intraday.bar_ends import BY_TICKS
from ats_assets.intraday.sampling import AccumulatingSampler, EstimatedSettings
from ats_assets.plugins import Plugin


class TickBarSettings(EstimatedSettings):
    """How many ticks make a bar."""


class TickBarSampler(AccumulatingSampler):
    """Bars of equally many ticks, with open, high, low, close, volume bought and sold, spread and duration."""

    measure = BY_TICKS


PLUGIN = Plugin(settings=TickBarSettings, make=TickBarSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
