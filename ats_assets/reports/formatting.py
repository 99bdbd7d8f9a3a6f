"""How numbers are written in a report; what is not known is a dash."""

import re
from collections.abc import Sequence
from datetime import date

DASH = "–"
MINUS = "−"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def percent(value: object, digits: int = 1, *, signed: bool = False) -> str:
    """0.1234 as 12.3%."""
    return _number(value, 100.0, digits, signed=signed, unit="%")


def decimal(value: object, digits: int = 2, *, signed: bool = False) -> str:
    """With thousands separators and `digits` decimals."""
    return _number(value, 1.0, digits, signed=signed)


def whole(value: object, *, signed: bool = False) -> str:
    """Rounded to whole units, with thousands separators."""
    return _number(value, 1.0, 0, signed=signed)


def multiple(value: object, digits: int = 1) -> str:
    """12.34 as 12.3×."""
    return _number(value, 1.0, digits, signed=False, unit="×")


def day(value: object) -> str:
    """An ISO date."""
    return value.isoformat() if isinstance(value, date) else DASH


def fit_names(sessions: Sequence[date]) -> list[str]:
    """Fits by their month; by their day where a month has several, as with weekly refits or those that drift asks for.

    Examples
    --------
    >>> fit_names([date(2021, 6, 1), date(2021, 7, 1)])
    ['2021-06', '2021-07']
    >>> fit_names([date(2021, 7, 1), date(2021, 7, 19)])
    ['2021-07-01', '2021-07-19']
    """
    months = [f"{session:%Y-%m}" for session in sessions]
    return months if len(set(months)) == len(months) else [session.isoformat() for session in sessions]


def _number(value: object, scale: float, digits: int, *, signed: bool, unit: str = "") -> str:
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return DASH
    scaled = round(value * scale, digits) + 0.0  # no "-0.0"
    return f"{scaled:{'+' if signed and scaled else ''},.{digits}f}{unit}".replace("-", MINUS)


_NUMBER = re.compile(r"[+−]?\d{1,3}(?:,\d{3})*(?:\.\d+)?([%×]?)|[+−]?\d+(?:\.\d+)?([%×]?)")


def number_of(text: str) -> float | None:
    """The number that is written, in the units of what was written; None where the text is none.

    Examples
    --------
    >>> number_of("−1,234.5"), number_of("+12.3%"), number_of("30.1×"), number_of("–"), number_of("2024-01-02")
    (-1234.5, 0.123, 30.1, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.rstrip("%×").replace(",", "").replace(MINUS, "-"))
    return round(number / 100.0, 15) if text.endswith("%") else number
