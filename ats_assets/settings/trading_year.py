"""How many sessions a year has on an exchange: the one number by which figures are made yearly ones, and yearly rates those of a session."""

from functools import lru_cache

FIRST_DAY, LAST_DAY, YEARS = "2010-01-01", "2024-12-31", 15
"""Fixed, so that a figure does not change because a year has passed."""

KNOWN = {"XNYS": 252, "XNAS": 252, "24/7": 365, "XLON": 253, "XETR": 254, "XPAR": 256, "XTKS": 245, "XHKG": 246, "XTSE": 251}
"""What `sessions_per_year` comes to, where settings would have to wait a second for a library that they need for nothing else."""


@lru_cache(maxsize=64)
def sessions_per_year(exchange: str) -> int | None:
    """Sessions of a year: the mean of the years 2010 to 2024, rounded; None for an exchange that exchange_calendars does not know.

    Examples
    --------
    >>> sessions_per_year("XNYS"), sessions_per_year("24/7"), sessions_per_year("XTKS")
    (252, 365, 245)
    """
    return KNOWN.get(exchange) or counted_sessions(exchange)


def counted_sessions(exchange: str) -> int | None:
    """The same, counted on the calendar."""
    import exchange_calendars  # noqa: PLC0415 - takes a second, and most exchanges are known
    from exchange_calendars.errors import InvalidCalendarName  # noqa: PLC0415

    try:
        return round(len(exchange_calendars.get_calendar(exchange, start=FIRST_DAY, end=LAST_DAY).sessions) / YEARS)
    except InvalidCalendarName:
        return None
    except ValueError:  # it is known for some of these years only
        sessions = exchange_calendars.get_calendar(exchange).sessions
        return round(len(sessions) * 365.25 / ((sessions[-1] - sessions[0]).days + 1))
