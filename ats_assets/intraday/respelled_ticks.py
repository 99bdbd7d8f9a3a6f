"""A source of ticks whose symbols are spelled as the warehouse spells them, whatever its vendor does."""

from datetime import date
from typing import Any

import polars as pl
from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.intraday.session_hours import DEFAULT, SessionHours
from ats_assets.intraday.tick_source import TickSource, TickSourcePlugin, What
from ats_assets.sources.respelling import respelled_rows
from ats_assets.vendors.spelling import Spelling, spelled_for


class RespelledTicks:
    """A `TickSource` as another one, with other symbols; all else is that one's."""

    def __init__(self, source: TickSource, spelling: Spelling) -> None:
        self._source = source
        self._spelling = spelling

    def __getattr__(self, name: str) -> Any:
        """What has no symbols in it."""
        return getattr(self._source, name)

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`."""
        return respelled_rows(self._source.ticks(session), self._spelling)


def open_ticks(plugin: TickSourcePlugin[Any], own: BaseModel, what: What, hours: SessionHours, deployment: Deployment) -> TickSource:
    """A source of ticks as its plugin makes it, with the warehouse's symbols; hours are those of its own."""
    spelling = plugin.spelling(own)
    if spelling.is_the_warehouses:
        return plugin.make(own, what, hours, deployment)
    theirs = {
        name: one
        for symbol, one in hours.settings.items()
        for name in ([DEFAULT] if symbol == DEFAULT else spelled_for(spelling, [symbol]) or [])
    }
    return RespelledTicks(plugin.make(own, what, SessionHours(hours.calendar, theirs), deployment), spelling)  # pyright: ignore[reportReturnType]
