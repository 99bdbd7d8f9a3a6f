"""Earnings from Massive (`/benzinga/v1/earnings`), each record as the server has it now.

A record keeps its `benzinga_id` while its day moves, and says when it was written last (`last_updated`): from then on it was known as it is. What it said before is gone, so the schedule
of a past session is what little has not been written anew since; one that was collected at its close is kept.

Massive's OpenAPI document says of the time of day that it is Eastern, other pages of its documentation UTC. It is read as that of New York, which is hours later than the same digits
in UTC: so an event is never taken to be over before it took place, whichever of the two holds. Midnight is taken for none.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, Final

import polars as pl

from ats_assets.scheduled_events.event_schedule import told_frame
from ats_assets.scheduled_events.schema import EARNINGS
from ats_assets.settings import Settings
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest
from ats_assets.vendors.massive.massive_symbols import SPELLING

OPENS, CLOSES = time(9, 30), time(16)
"""Of the exchanges of New York."""
_UNTOLD: Final = time()


class EarningsCalendar:
    """Massive's earnings as an `EventSource`.

    Parameters
    ----------
    symbols
        Whose; none: of all.
    rest
        Massive; another one in tests.
    """

    remote = True

    def __init__(self, symbols: tuple[str, ...], settings: Settings, *, rest: MassiveRest | None = None) -> None:
        self._symbols = sorted(set(symbols))
        self._settings = settings
        self._given = rest

    @cached_property
    def _rest(self) -> MassiveRest:
        return self._given or massive_rest(self._settings)

    def told(self, first: date, last: date) -> pl.DataFrame:
        """The records whose day is from `first` to `last`."""
        return _with_warehouse_symbols(earnings_frame(self._rest.earnings(first, last, self._symbols or None)))

    def describe(self) -> str:
        """What is asked for."""
        of = f"{len(self._symbols)} symbols" if self._symbols else "all companies"
        return (
            f"earnings of {of} from Massive ({self._settings.massive.url}/benzinga/v1/earnings)\na record counts from its last_updated on"
        )


def earnings_frame(records: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Records as Massive sends them as `TOLD_EVENTS_SCHEMA`.

    Examples
    --------
    >>> record = {"ticker": "AAPL", "date": "2024-05-02", "time": "16:30:00", "benzinga_id": "1", "last_updated": "2024-04-02T12:00:00Z"}
    >>> earnings_frame([record]).select("symbol", "kind", "date", "timing", "defects").rows()
    [('AAPL', 'earnings', datetime.date(2024, 5, 2), 'amc', None)]
    """
    return told_frame([_row(record) for record in records])


def _with_warehouse_symbols(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose symbols are spelled as the warehouse spells them; what Massive can't have written stays, and `defects` says so."""
    theirs = {*rows["symbol"].drop_nulls().to_list()}
    ours = SPELLING.warehouses(theirs)
    odd = pl.when(pl.col("symbol").is_in(sorted(theirs - ours.keys()))).then(pl.format("symbol: {} is not as massive spells", "symbol"))
    told = pl.concat_str("defects", odd, separator="; ", ignore_nulls=True)
    return rows.with_columns(pl.col("symbol").replace(ours), defects=pl.when(told != "").then(told))


def _row(record: Mapping[str, Any]) -> dict[str, object]:
    defects: list[str] = []
    day = _read(record, "date", date.fromisoformat, "a day", defects)
    at = _read(record, "time", time.fromisoformat, "a time of day", defects)
    known = _read(record, "last_updated", _instant, "an instant with its offset", defects)
    if known is None and not record.get("last_updated"):
        defects.append("last_updated: there is none, so that it can't be told when this was known")
    ticker, name, status = (record.get(key) for key in ("ticker", "benzinga_id", "date_status"))
    return {
        "symbol": ticker if isinstance(ticker, str) else None,
        "kind": EARNINGS,
        "date": day,
        "timing": None if at in {None, _UNTOLD} else _timing(at),
        "event": str(name) if name else None,
        "status": status if isinstance(status, str) else None,
        "known_at": known,
        "defects": "; ".join(defects) or None,
    }


def _read(record: Mapping[str, Any], key: str, reader: Any, wanted: str, defects: list[str]) -> Any:
    cell = record.get(key)
    if cell is None or cell == "":
        return None
    try:
        return reader(str(cell))
    except ValueError:
        defects.append(f"{key}: {str(cell)[:40]!r} is not {wanted}")
        return None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _timing(at: time) -> str:
    return "bmo" if at < OPENS else "amc" if at >= CLOSES else "during"
