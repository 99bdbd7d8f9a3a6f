"""Massive's calendar of earnings, which Benzinga keeps, as a source of scheduled events."""

from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.scheduled_events.event_source import EventSourcePlugin
from ats_assets.scheduled_events.event_sources.massive.earnings_calendar import EarningsCalendar
from ats_assets.settings import Section


class EarningsCalendarSettings(Section):
    """Whose earnings. How Massive is reached is in the section `massive`."""

    symbols: tuple[str, ...] = Field(default=(), description="AAPL, BRK.B; default: all companies that are told of")


def open_earnings_calendar(own: EarningsCalendarSettings, deployment: Deployment) -> EarningsCalendar:
    """What the settings name; it asks nothing yet.

    Raises
    ------
    SettingsError
        If the calendar is not that of New York.
    """
    if str(deployment.calendar.timezone) != "America/New_York":
        raise SettingsError(
            f"scheduled_events.source.kind is massive, but calendar.exchange is {deployment.calendar.exchange}: set it to XNYS, or take events from files"
        )
    return EarningsCalendar(own.symbols, deployment.settings)


PLUGIN = EventSourcePlugin(settings=EarningsCalendarSettings, make=open_earnings_calendar)
