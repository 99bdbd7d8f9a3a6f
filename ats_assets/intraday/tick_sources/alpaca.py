"""Trades and quotes that Alpaca delivered and `source.alpaca.collect` has in the warehouse, as a source of ticks.

Alpaca's partition D holds what was published after the close before and up to the close of D. So a session is taken of its own partition and of the one before it; and where
instruments are traded after the close, of the one after it, once that is there.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.schema import RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSourcePlugin, What
from ats_assets.settings import Section

_NAMES: Final[Mapping[What, Mapping[str, str]]] = {
    "trades": {},
    "quotes": {"bid_price": "bid", "ask_price": "ask", "bid_exchange": "exchange"},
}
"""Alpaca's column -> the raw one, where they differ; of a quote with two exchanges that of the bid."""
_SCHEMAS: Final = {"trades": RAW_TRADES_SCHEMA, "quotes": RAW_QUOTES_SCHEMA}


class CollectedSettings(Section):
    """Nothing: `source.alpaca` says what is collected."""


class CollectedTicks:
    """Ticks from what was collected, as a `TickSource`."""

    def __init__(self, what: What, hours: SessionHours, deployment: Deployment) -> None:
        self._what: What = what
        self._hours = hours
        self._deployment = deployment
        self._asset = f"alpaca_{what}"

    def sessions(self) -> list[date]:
        """Those that were collected, and the one after them where it is needed, too."""
        there = self._deployment.valid_sessions(self._asset)
        now = datetime.now(UTC)
        return [day for day in there if all(other in there for other in self._after(day)) and self._hours.known_at(day) <= now]

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`."""
        calendar, warehouse = self._deployment.calendar, self._deployment.warehouse
        days = [*calendar.window(session, 2), *self._after(session)]
        stored = [day for day in days if warehouse.exists(self._asset, day)]
        schema = _SCHEMAS[self._what]
        if not stored:
            return schema.to_frame()
        rows = warehouse.read(self._asset, stored)
        own = pl.col("at").is_null() & (pl.col("session") == session)
        placed = self._hours.placed(rows.rename(_NAMES[self._what]).with_columns(delivered=pl.col("session"), untimed=own))
        chosen = placed.filter((pl.col("session") == session) | pl.col("untimed")).sort("symbol", "delivered", maintain_order=True)
        made = chosen.with_columns(
            session=pl.lit(session, pl.Date), sequence=pl.int_range(pl.len()).over("symbol"), part=pl.lit(0, pl.Int32)
        )
        absent = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in made.columns}
        return made.with_columns(**absent).select(schema.names()).cast(dict(schema))  # pyright: ignore[reportArgumentType]

    def known_at(self, session: date) -> datetime:
        """The end of the session's hours, or the close of the session after it where that was needed; in UTC."""
        return max([self._hours.known_at(session), *(self._deployment.calendar.closes_at(day) for day in self._after(session))])

    def describe(self) -> str:
        """Where they come from."""
        days = self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none: run the job market_data"
        return f"{self._what}: collected from Alpaca ({self._asset})\nsessions: {span}"

    def _after(self, session: date) -> list[date]:
        """The session whose partition holds what was traded after the close."""
        calendar = self._deployment.calendar
        late = self._hours.known_at(session) > calendar.closes_at(session) and session < calendar.last
        return [calendar.offset(session, 1)] if late else []


def _open_collected(_own: CollectedSettings, what: What, hours: SessionHours, deployment: Deployment) -> CollectedTicks:
    return CollectedTicks(what, hours, deployment)


def _taken_from(_own: CollectedSettings, what: What) -> tuple[str, ...]:
    return (f"alpaca_{what}",)


PLUGIN = TickSourcePlugin(settings=CollectedSettings, make=_open_collected, reads=_taken_from)
