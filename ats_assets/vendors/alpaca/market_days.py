"""Alpaca's calendar: which days are sessions, and when they open and close. It knows of unscheduled closings first."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from alpaca.trading.models import Calendar

NEW_YORK = ZoneInfo("America/New_York")


def market_days(client: "TradingClient", first: date, last: date) -> Mapping[date, tuple[datetime, datetime]]:
    """Alpaca's sessions from `first` to `last`, ascending, with open and close in UTC.

    Raises
    ------
    AlpacaError
        If it can't be asked.
    """
    from alpaca.trading.requests import GetCalendarRequest  # noqa: PLC0415

    days = cast("list[Calendar]", client.get_calendar(GetCalendarRequest(start=first, end=last)))
    return {day.date: (_utc(day.open), _utc(day.close)) for day in days}


def _utc(local: datetime) -> datetime:
    return local.replace(tzinfo=NEW_YORK).astimezone(UTC)
