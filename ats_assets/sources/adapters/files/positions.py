"""Which column is which in a table without a header: by what its first rows hold.

Known are the klines of Binance. Of others the day is the first column of dates or times, the symbol the only column of texts, and the next five numbers are open, high, low,
close and volume, if in each row the third is the highest of the prices and the fourth the lowest; anything else is a person's to say.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ats_assets.sources.adapters.files.text_cells import is_day, is_number

KLINES: Final = 12
"""Columns of a kline of Binance: open time, open, high, low, close, volume, close time, and what was bought of it."""
_INSTANT: Final = re.compile(r"1\d{9}(?:\d{3}){0,3}")
"""Seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 on."""
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?|\d{6}")
_PRICES: Final = ("open", "high", "low", "close")


def guessed_positions(rows: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Canonical name (and `time`, of a time of day) -> place from 1 on; empty where it can't be told.

    Examples
    --------
    >>> guessed_positions([["2023.01.03", "00:00", "1.06", "1.07", "1.05", "1.055", "120"]])
    {'date': 1, 'time': 2, 'open': 3, 'high': 4, 'low': 5, 'close': 6, 'volume': 7}
    >>> guessed_positions([["2023.01.03", "1.06", "1.05", "1.07", "1.055", "120"]])  # no third column is the highest
    {}
    """
    if not rows or len({len(row) for row in rows}) > 1:
        return {}
    columns = [[row[i].strip() for row in rows if row[i].strip()] for i in range(len(rows[0]))]
    if len(columns) == KLINES and all(_all(_INSTANT.fullmatch, columns[i]) for i in (0, 6)):
        return _prices_checked({"date": 1, "open": 2, "high": 3, "low": 4, "close": 5, "volume": 6}, rows)
    found: dict[str, int] = {}
    texts: list[int] = []
    numbers: list[int] = []
    for i, cells in enumerate(columns, start=1):
        if "date" not in found and cells and all(is_day(cell) or _INSTANT.fullmatch(cell) for cell in cells):
            found["date"] = i
        elif found.get("date") == i - 1 and _all(_TIME.fullmatch, cells):
            found["time"] = i
        elif _all(is_number, cells):
            numbers.append(i)
        elif cells and not {*cells} <= {"D", "d", "1d"}:  # a column of the period says nothing
            texts.append(i)
    if "date" not in found or len(texts) > 1 or len(numbers) > 5:
        return {}
    if texts:
        found["symbol"] = texts[0]
    return _prices_checked(found | dict(zip((*_PRICES, "volume"), numbers, strict=False)), rows)


def _all(matches: object, cells: Sequence[str]) -> bool:
    return bool(cells) and all(matches(cell) for cell in cells)  # pyright: ignore[reportCallIssue]


def _prices_checked(found: dict[str, int], rows: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """The same if the highs are highest and the lows are lowest, else nothing."""
    for row in rows:
        prices = [_number(row[found[name] - 1]) for name in _PRICES if name in found]
        if len(prices) < len(_PRICES):
            return {}
        known = [price for price in prices if price is not None]
        if len(known) == len(_PRICES) and not (known[1] == max(known) and known[2] == min(known)):
            return {}
    return found


def _number(cell: str) -> float | None:
    """A number, whichever its decimal mark: they are compared with others of the same row."""
    digits = re.sub(r"[^\d.,\-]", "", cell)
    try:
        return float(digits.replace(",", ".") if digits.count(",") == 1 and "." not in digits else digits.replace(",", ""))
    except ValueError:
        return None
