"""When a model is fitted anew: at every k-th session of the calendar, whatever the range that is computed."""

from datetime import date

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import LightgbmSettings


def is_refit_session(calendar: SessionCalendar, session: date, settings: LightgbmSettings) -> bool:
    """Whether a model is fitted at `session`: its position in the calendar is a multiple of `refit_every_sessions`."""
    return calendar.position(session) % settings.refit_every_sessions == 0


def last_refit(calendar: SessionCalendar, session: date, settings: LightgbmSettings) -> date:
    """The newest refit session that is not after `session`."""
    return calendar.offset(session, -(calendar.position(session) % settings.refit_every_sessions))
