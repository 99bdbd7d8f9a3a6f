"""The trades of one symbol that were heard, in the order in which they were: what the graph calls a delivery."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HeardTick(NamedTuple):
    """A trade.

    Attributes
    ----------
    at
        On the market, in nanoseconds since 1970, UTC.
    """

    at: int
    price: float | None
    size: float | None
    exchange: str | None = None
    conditions: tuple[str, ...] | None = None
    trade_id: str | None = None
    tape: str | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "HeardTick":
        """Of an event's fields; `nanoseconds` are those below a microsecond."""
        conditions = fields.get("conditions")
        return cls(
            at=nanoseconds(fields["at"]) + int(fields.get("nanoseconds") or 0),
            price=fields.get("price"),
            size=fields.get("size"),
            conditions=None if conditions is None else tuple(conditions),
            **{name: fields.get(name) for name in ("exchange", "trade_id", "tape")},
        )


def nanoseconds(at: datetime) -> int:
    """Since 1970, UTC.

    Examples
    --------
    >>> nanoseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005000
    """
    return (at - _EPOCH) // timedelta(microseconds=1) * 1_000


def instant_of(at: int) -> datetime:
    """The first instant that a clock of microseconds shows at or after so many nanoseconds.

    Examples
    --------
    >>> instant_of(1_000_000_001)
    datetime.datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=datetime.timezone.utc)
    """
    return _EPOCH + timedelta(microseconds=-(-at // 1_000))


class TickTape:
    """Trades, to which one more makes another tape. They share what they have in common, so that a tick costs the same however many there are.

    Attributes
    ----------
    height
        How many.
    newest
        The latest of their times, 0 without any.

    Examples
    --------
    >>> one = TickTape().with_tick(HeardTick(5, 10.0, 100.0))
    >>> two, other = one.with_tick(HeardTick(7, 11.0, 100.0)), one.with_tick(HeardTick(6, 12.0, 100.0))
    >>> [tape.frame("A", date(2024, 3, 4))["price"].to_list() for tape in (one, two, other)]
    [[10.0], [10.0, 11.0], [10.0, 12.0]]
    """

    __slots__ = ("_ticks", "height", "newest")

    def __init__(self) -> None:
        self._ticks: list[HeardTick] = []
        self.height = 0
        self.newest = 0

    def with_tick(self, tick: HeardTick) -> "TickTape":
        """With one more."""
        made = TickTape()
        made._ticks = self._ticks if len(self._ticks) == self.height else self._ticks[: self.height]
        made._ticks.append(tick)
        made.height, made.newest = self.height + 1, max(self.newest, tick.at)
        return made

    def frame(self, symbol: str, session: date) -> pl.DataFrame:
        """All of them, `RAW_TRADES_SCHEMA`, as delivered in one part in the order in which they were heard."""
        columns = zip(*self._ticks[: self.height], strict=True) if self.height else ((),) * len(HeardTick._fields)
        values = dict(zip(HeardTick._fields, map(list, columns), strict=True))
        at = pl.Series(values.pop("at"), dtype=pl.Int64).cast(NANOSECONDS)
        rows = pl.DataFrame({name: pl.Series(name, value, dtype=RAW_TRADES_SCHEMA[name]) for name, value in values.items()})
        same = {"symbol": pl.lit(symbol), "session": pl.lit(session), "part": pl.lit(0, pl.Int32)}
        rows = rows.with_columns(at=at, sequence=pl.int_range(pl.len(), dtype=pl.Int64), **same)
        return rows.select(
            (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in RAW_TRADES_SCHEMA.items()
        )
