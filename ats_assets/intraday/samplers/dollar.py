"""Dollar bars: equal price times size each, in the quote currency."""

from ats_assets.intraday.bar_ends import BY_DOLLARS
from ats_assets.intraday.sampling import AccumulatingSampler, EstimatedSettings
from ats_assets.plugins import Plugin


class DollarBarSettings(EstimatedSettings):
    """How much money makes a bar."""


class DollarBarSampler(AccumulatingSampler):
    """Bars of equal dollar volume, with open, high, low, close, volume bought and sold, spread and duration."""

    measure = BY_DOLLARS


PLUGIN = Plugin(settings=DollarBarSettings, make=DollarBarSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
