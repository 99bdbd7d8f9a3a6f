"""The synthetic market as a source."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Settings, SyntheticSettings
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets.sources.source import SourcePlugin


def open_synthetic(own: SyntheticSettings, calendar: SessionCalendar, _settings: Settings) -> SyntheticSource:
    """The market that the settings describe."""
    return SyntheticSource(own, calendar)


def _bars_follow(own: SyntheticSettings) -> SyntheticSettings:
    """A later end adds sessions and changes none."""
    return own.model_copy(update={"last_session": own.first_session})


PLUGIN = SourcePlugin(
    settings=SyntheticSettings,
    make=open_synthetic,
    quick={"symbols": 10},
    bars_follow=_bars_follow,
    actions_follow=_bars_follow,
    ends=lambda own: own.last_session,
)
