"""Which sessions exist."""

from datetime import date

from pydantic import Field

from ats_assets.settings.section import Section


class CalendarSettings(Section):
    """Which sessions exist."""

    exchange: str = Field(default="XNYS", description="exchange_calendars name: XNYS, XLON, 24/7, …")
    first_session: date = Field(
        default=date(2010, 1, 1),
        description="the calendar starts here: no earlier data can be stored, and windows count from here; partitions are offered from the first data on",
    )
    closed: tuple[date, ...] = Field(
        default=(), description="days on which the exchange was closed although exchange_calendars has a session: a day of mourning"
    )

    def without_closings(self) -> "CalendarSettings":
        """What partitions depend on whatever lies in their windows: a closing matters only to those that it lies in."""
        return self.model_copy(update={"closed": ()})
