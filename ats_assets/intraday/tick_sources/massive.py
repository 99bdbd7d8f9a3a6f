"""Trades and quotes from Massive: asked for by symbol and session, or from flat files of a day each, a block at a time.

Of the two times of a tick that of the SIP counts, to the nanosecond: from then on everybody could know it; when it happened at its venue is earlier. Ticks of one instant stand in the
order of their sequence numbers. A tick without a time that can be read is the session's that was asked for, or that of its file's day.

Condition codes are Massive's numbers: set `intraday.screening.conditions = "polygon"`. Sizes of quotes are as delivered: round lots in older data, shares since November 2025.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.conditions import CANCELLED
from ats_assets.intraday.schema import NANOSECONDS, RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSourcePlugin, What
from ats_assets.settings import Section
from ats_assets.sources.wire_frames import WireColumn, to_frame, unread
from ats_assets.vendors.massive.delivery_times import delivered_at
from ats_assets.vendors.massive.flat_files import Dataset, FlatFiles
from ats_assets.vendors.massive.massive_connection import flat_files, massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest
from ats_assets.vendors.massive.massive_symbols import massive_spelling

_SCHEMAS: Final[Mapping[What, pl.Schema]] = {"trades": RAW_TRADES_SCHEMA, "quotes": RAW_QUOTES_SCHEMA}
_DATASETS: Final[Mapping[What, Dataset]] = {"trades": "us_stocks_sip/trades_v1", "quotes": "us_stocks_sip/quotes_v1"}
FIRST: Final = date(2003, 9, 10)
"""Massive's ticks of stocks begin here."""
_NEW_YORK: Final = ZoneInfo("America/New_York")
_TAPES: Final = {1: "A", 2: "B", 3: "C"}
_F, _I, _S = pl.Float64, pl.Int64, pl.String
_COMMON: Final = (("stamp", "sip_timestamp", _I), ("order", "sequence_number", _I), ("tape", "tape", _I))
_OF: Final[Mapping[What, tuple[tuple[str, str, Any], ...]]] = {
    "trades": (
        *_COMMON,
        *(("price", "price", _F), ("size", "size", _F), ("exact_size", "decimal_size", _S), ("exchange", "exchange", _I)),
        *(("trade_id", "id", _S), ("correction", "correction", _I)),
    ),
    "quotes": (
        *_COMMON,
        *(("bid", "bid_price", _F), ("ask", "ask_price", _F), ("bid_size", "bid_size", _F), ("ask_size", "ask_size", _F)),
        ("exchange", "bid_exchange", _I),
    ),
}
"""Our name, Massive's (in answers and files alike), type."""
_ABSENT_IN_FILES: Final = frozenset({"exact_size"})


class MassiveTicksSettings(Section):
    """Ticks from Massive. How it is reached is in the section `massive`."""

    symbols: tuple[str, ...] = Field(
        default=(), description="AAPL, BRK.B; they must be named, unless ticks come from flat files, which hold all stocks"
    )
    first_session: date = Field(default=FIRST, description="from which on ticks are taken; plans go back differently far")
    through: Literal["api", "flat_files"] = Field(default="api", description="whether ticks are asked for, or taken from flat files")


class MassiveTicks:
    """Ticks from Massive, as a `TickSource`.

    Parameters
    ----------
    rest, files, now
        Massive, its flat files and this machine's clock; other ones in tests.
    """

    def __init__(
        self,
        own: MassiveTicksSettings,
        what: What,
        hours: SessionHours,
        deployment: Deployment,
        *,
        rest: MassiveRest | None = None,
        files: FlatFiles | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if own.through == "api" and not own.symbols:
            raise SourceError(f'intraday.{what}.symbols is empty: name the symbols, or set through = "flat_files", which hold all stocks')
        self._own = own
        self._what: What = what
        self._hours = hours
        self._deployment = deployment
        self._given = rest, files
        self._now = now

    def sessions(self) -> list[date]:
        """Those from `first_session` on that are delivered; of a folder of flat files those that it has."""
        now, calendar = self._now(), self._hours.calendar
        last = calendar.last_closed(now)
        days = calendar.sessions(max(self._own.first_session, calendar.first), last)
        if self._own.through == "flat_files" and not self._files.downloads:
            there = set(self._files.days(_DATASETS[self._what]))
            days = [day for day in days if day in there]
        return [day for day in days if self.known_at(day) <= now]

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`."""
        schema = _SCHEMAS[self._what]
        parts = list(self._of_files(session) if self._own.through == "flat_files" else self._asked_for(session))
        own = [rows for part in parts if (rows := self._placed(part, session)).height]
        if not own:
            return schema.to_frame()
        every = pl.concat(own)
        again = ~every.select(pl.struct(pl.exclude("part")).is_first_distinct()).to_series()  # on two pages, or in two files
        made = every.filter(~again | every["order"].is_null()).sort("symbol", "at", "order", nulls_last=True, maintain_order=True)
        numbered = made.with_columns(session=pl.lit(session, pl.Date), sequence=pl.int_range(pl.len()).over("symbol"))
        absent = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in numbered.columns}
        return numbered.with_columns(**absent).select(schema.names()).cast(dict(schema))  # pyright: ignore[reportArgumentType]

    def known_at(self, session: date) -> datetime:
        """When the session was delivered, or its hours ended if that is later; in UTC."""
        delivery = "flat_files" if self._own.through == "flat_files" else self._deployment.settings.massive.delivery
        return max(self._hours.known_at(session), delivered_at(self._hours.calendar, session, delivery))

    def describe(self) -> str:
        """Where they come from."""
        massive, days = self._deployment.settings.massive, self.sessions()
        through = f"flat files in {self._files.folder}" if self._own.through == "flat_files" else f"{massive.url}, plan {massive.delivery}"
        named = ", ".join(sorted(set(self._own.symbols))) or "all stocks"
        span = f"{days[0]} to {days[-1]}" if days else "none that is delivered"
        return f"{self._what}: Massive, {named}, through {through}\nsessions: {span}; times are the SIP's, conditions Massive's numbers"

    def _asked_for(self, session: date) -> Iterator[pl.DataFrame]:
        first, end = self._hours.span(session)
        columns = [WireColumn(name=name, key=key, dtype=dtype) for name, key, dtype in _OF[self._what]]
        end = min(end, int(self._now().timestamp()) * 10**9)
        for symbol in sorted(set(self._own.symbols)):
            for rows in self._rest.ticks(self._what, symbol, max(first, 0), end):
                frame = to_frame({symbol: rows}, columns)
                conditions, faults = _conditions([row.get("conditions") if isinstance(row, Mapping) else None for row in rows])
                defects = pl.concat_str("defects", pl.lit(faults), separator="; ", ignore_nulls=True)
                yield self._made(frame.with_columns(conditions, untimed=pl.lit(value=True), part=pl.lit(0, pl.Int32), defects=defects))

    def _of_files(self, session: date) -> Iterator[pl.DataFrame]:
        wanted = [(name, key, dtype) for name, key, dtype in _OF[self._what] if name not in _ABSENT_IN_FILES]
        names = list(dict.fromkeys(["ticker", "conditions", *(key for _, key, _ in wanted)]))
        part = 0
        for day in self._days_of(session):
            owner = self._hours.calendar.on_or_after(day) if day <= self._hours.calendar.last else None
            came = False
            for block in self._files.blocks(_DATASETS[self._what], day, names):
                came = True
                ours = (
                    block.filter(pl.col("ticker").is_in(list(self._own.symbols)) | pl.col("ticker").is_null())
                    if self._own.symbols
                    else block
                )
                read = {name: (pl.col(key) if dtype == _S else pl.col(key).cast(dtype, strict=False)) for name, key, dtype in wanted}
                faults = [unread(pl.col(key), read[name], name) for name, key, _ in wanted]
                codes = pl.col("conditions").str.strip_chars('[]" ').str.replace_all(r"[,;\s]+", ",").str.split(",")
                rows = ours.select(
                    symbol="ticker",
                    **read,
                    conditions=pl.when(pl.col("conditions").str.strip_chars('[]" ') != "").then(codes),
                    untimed=pl.lit(owner == session),
                    part=pl.lit(part, pl.Int32),
                    defects=pl.concat_str("defects", *faults, separator="; ", ignore_nulls=True),
                )
                yield self._made(rows)
            part += came

    def _days_of(self, session: date) -> list[date]:
        """The days of New York that the session's ticks can lie in."""
        first, end = (datetime.fromtimestamp(at // 10**9, UTC).astimezone(_NEW_YORK).date() for at in self._bounds(session))
        return [first + timedelta(days=i) for i in range((end - first).days + 1)]

    def _bounds(self, session: date) -> tuple[int, int]:
        first, end = self._hours.span(session)
        most = int(self._hours.known_at(session).timestamp()) * 10**9
        return max(first, most - 40 * 86_400 * 10**9), min(end, most)

    def _made(self, rows: pl.DataFrame) -> pl.DataFrame:
        """With the columns of raw ticks, `order` and `untimed`."""
        frame = rows.with_columns(
            at=pl.from_epoch("stamp", time_unit="ns").dt.replace_time_zone("UTC").cast(NANOSECONDS),
            exchange=pl.col("exchange").cast(_S),
            tape=pl.col("tape").replace_strict(_TAPES, default=None, return_dtype=_S),
            defects=pl.col("defects").replace("", None),
        )
        if self._what == "trades":
            exact = pl.col("exact_size").cast(_F, strict=False) if "exact_size" in frame.columns else pl.lit(None, _F)
            cancelled = pl.col("correction").cast(_S).is_in(list(CANCELLED))
            frame = frame.with_columns(size=pl.coalesce(exact, "size"), cancelled=cancelled)
        kept = [name for name in _SCHEMAS[self._what].names() if name in frame.columns and name not in {"session", "sequence"}]
        return frame.select(*kept, "order", "untimed")

    def _placed(self, rows: pl.DataFrame, session: date) -> pl.DataFrame:
        placed = self._hours.placed(rows)
        own = (pl.col("session") == session) | (pl.col("at").is_null() & pl.col("untimed"))
        return placed.filter(own).drop("session", "inside", "untimed")

    @cached_property
    def _rest(self) -> MassiveRest:
        return self._given[0] or massive_rest(self._deployment.settings)

    @cached_property
    def _files(self) -> FlatFiles:
        return self._given[1] or flat_files(self._deployment.settings)


def _conditions(cells: Sequence[Any]) -> tuple[pl.Series, pl.Series]:
    """Codes as texts, and what is wrong with those that are no list of codes."""
    kept, faults = [], []
    for cell in cells:
        fine = cell is None or (isinstance(cell, list) and all(isinstance(code, int | str) for code in cell))
        kept.append([str(code) for code in cell] if fine and cell is not None else None)
        faults.append(None if fine else f"conditions: {str(cell)[:60]!r} is no list of codes")
    return pl.Series("conditions", kept, dtype=pl.List(_S)), pl.Series("faults", faults, dtype=_S)


def _open_ticks(own: MassiveTicksSettings, what: What, hours: SessionHours, deployment: Deployment) -> MassiveTicks:
    return MassiveTicks(own, what, hours, deployment)


def _from_anywhen(own: MassiveTicksSettings) -> MassiveTicksSettings:
    """Where the ticks begin changes none of them."""
    return own.model_copy(update={"first_session": FIRST})


PLUGIN = TickSourcePlugin(settings=MassiveTicksSettings, make=_open_ticks, ticks_follow=_from_anywhen, spelling=massive_spelling)
