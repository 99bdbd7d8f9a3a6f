"""Dollar imbalance bars: as volume imbalance bars, in price times size."""

from ats_assets.intraday.bar_ends import BY_DOLLARS
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class DollarImbalanceSettings(ExpectationSettings):
    """When more money of one side makes a bar."""


class DollarImbalanceSampler(ExpectationSampler):
    """Bars that close when the distance of bought and sold dollar volume is more than was to be expected."""

    measure, runs = BY_DOLLARS, False


PLUGIN = Plugin(settings=DollarImbalanceSettings, make=DollarImbalanceSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
