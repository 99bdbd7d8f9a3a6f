"""What a cell of a text looks like, where nothing is known of its column yet."""

import re

_NUMBER = re.compile(r"[+-]?[$€£¥₹]?\s*(?:\d[\d.,'’\s]*|[.,]\d+)(?:[eE][+-]?\d+)?\s*[KMBTkmbt]?\s*[$€£¥₹%]?")
_DAY = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.](?:\d{1,2}|[A-Za-z]{3})[-/.]\d{2,4}|(?:19|20)\d{6}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})(?:[T\s].*)?"
)


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number, its sign of a currency and its power included.

    Examples
    --------
    >>> [is_number(cell) for cell in ("112.13", "$1,112.13", "7.75M", "1. open", "AAPL", "")]
    [True, True, True, False, False, False]
    """
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_day(cell: str) -> bool:
    """Whether a cell looks like a date, with or without a time.

    Examples
    --------
    >>> [is_day(cell) for cell in ("2023-01-03", "01/03/2023 16:00", "3.1.2023", "Jan 03, 2023", "20230103", "112.13", "Date")]
    [True, True, True, True, True, False, False]
    """
    return _DAY.fullmatch(cell.strip()) is not None
