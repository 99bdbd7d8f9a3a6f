"""Volume imbalance bars: a bar closes when more volume was bought than sold, or sold than bought, than was to be expected."""

from ats_assets.intraday.bar_ends import BY_VOLUME
from ats_assets.intraday.sampling import ExpectationSampler, ExpectationSettings
from ats_assets.plugins import Plugin


class VolumeImbalanceSettings(ExpectationSettings):
    """When more volume of one side makes a bar."""


class VolumeImbalanceSampler(ExpectationSampler):
    """Bars that close when the distance of bought and sold volume is more than was to be expected."""

    measure, runs = BY_VOLUME, False


PLUGIN = Plugin(settings=VolumeImbalanceSettings, make=VolumeImbalanceSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
