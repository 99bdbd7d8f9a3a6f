"""Volume bars: equal volume each."""

from ats_assets.intraday.bar_ends import BY_VOLUME
from ats_assets.intraday.sampling import AccumulatingSampler, EstimatedSettings
from ats_assets.plugins import Plugin


class VolumeBarSettings(EstimatedSettings):
    """How much volume makes a bar."""


class VolumeBarSampler(AccumulatingSampler):
    """Bars of equal volume, with open, high, low, close, volume bought and sold, spread and duration."""

    measure = BY_VOLUME


PLUGIN = Plugin(settings=VolumeBarSettings, make=VolumeBarSampler, quick={"bars_per_session": 5, "estimated_on_sessions": 2})
