"""Volume runs bars: a bar closes when the volume of one side is more than was to be expected, whatever the other side did."""

from ats_assets.intraday.bar_ends import BY_VOLUME
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class VolumeRunsSettings(ExpectationSettings):
    """When much volume of one side makes a bar."""


class VolumeRunsSampler(ExpectationSampler):
    """Bars that close when bought or sold volume alone is more than was to be expected."""

    measure, runs = BY_VOLUME, True


PLUGIN = Plugin(settings=VolumeRunsSettings, make=VolumeRunsSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
