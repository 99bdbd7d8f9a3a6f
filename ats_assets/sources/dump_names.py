"""Names of Binance's dumps (`BTCUSDT-1d-2024-12.zip`, `BTCUSDT-aggTrades-2025-01-03.csv`): which days of which series each is of, and which days no dump is of.

A series is a symbol and what is published of it. Dumps are published a day or a month at a time; some days never were (binance-public-data, issues 230, 336, 411).
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

DAILY: Final = "1d"
_NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9_]{2,30})-(?P<what>1d|trades|aggTrades)-(?P<year>20\d{2})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?"
)


@dataclass(frozen=True, kw_only=True)
class Dump:
    """What the name of a dump says: the series, and the first and last day that it is of."""

    symbol: str
    what: str
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """The days that it is of."""
        return [self.first + timedelta(days=i) for i in range((self.last - self.first).days + 1)]


def dump(stem: str) -> Dump | None:
    """What the name of a file without its suffixes says, where it is that of a dump.

    Examples
    --------
    >>> month = dump("BTCUSDT-1d-2024-02")
    >>> (month.symbol, str(month.first), str(month.last)) if month else None
    ('BTCUSDT', '2024-02-01', '2024-02-29')
    >>> dump("BTCUSDT_2024") is None, dump("BTCUSDT-1d-2024-13") is None
    (True, True)
    """
    found = _NAME.fullmatch(stem)
    if found is None:
        return None
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"] or 1)
    try:
        first = date(year, month, day)
    except ValueError:
        return None
    last = first if found["day"] else first.replace(day=calendar.monthrange(year, month)[1])
    return Dump(symbol=found["symbol"], what=found["what"], first=first, last=last)
