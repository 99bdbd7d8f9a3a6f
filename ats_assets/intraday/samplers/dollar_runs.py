"""Dollar runs bars: as volume runs bars, in price times size."""

from ats_assets.intraday.bar_ends import BY_DOLLARS
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class DollarRunsSettings(ExpectationSettings):
    """When much money of one side makes a bar."""


class DollarRunsSampler(ExpectationSampler):
    """Bars that close when bought or sold dollar volume alone is more than was to be expected."""

    measure, runs = BY_DOLLARS, True


PLUGIN = Plugin(settings=DollarRunsSettings, make=DollarRunsSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
