"""What every source of ticks must do, whatever it reads: derive a class `Test…` from `TickSourceKit`, name the plugin, and say how one is opened.

class TestMine(TickSourceKit):
    plugin = PLUGIN
    own = {"path": "/where/my/ticks/lie"}
    wrong = {"path": 7}
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.errors import AtsError
from ats_assets.intraday.contracts import RawQuotes, RawTrades
from ats_assets.intraday.schema import NANOSECONDS, RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSource, TickSourcePlugin, What
from ats_assets.sources.contracts import of_vendors
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.storage.data_version import data_version

MOST = 6
"""Sessions that are looked at."""


class TickSourceKit:
    """The tests of one source of ticks."""

    plugin: ClassVar[TickSourcePlugin[Any]]
    what: ClassVar[What] = "trades"
    own: ClassVar[Mapping[str, Any]] = {}
    """Its settings for a source with ticks in some sessions."""
    wrong: ClassVar[Mapping[str, Any]]
    """Settings that its class must refuse."""
    calendar: ClassVar[SessionCalendar] = session_calendar("XNYS", date(2020, 1, 2))

    @property
    def hours(self) -> SessionHours:
        """Those of the calendar."""
        return SessionHours(self.calendar, {})

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        """A source like every other one that is opened in this folder."""
        yield self.plugin.make(self.plugin.settings.model_validate(dict(self.own)), self.what, self.hours, None)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[TickSource]:
        """A source whose settings are accepted, but that can't be read; skipped where there is no such thing."""
        pytest.skip("there is nothing to read that could be missing")
        yield  # pyright: ignore[reportUnreachable]

    def test_two_that_are_opened_alike_deliver_the_same_bytes_in_any_order(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as one, self.opened(tmp_path / "elsewhere") as other:
            days = one.sessions()[:MOST]
            assert days == other.sessions()[:MOST] == sorted(set(days))
            forwards = [data_version(one.ticks(day)) for day in days]
            assert [data_version(other.ticks(day)) for day in reversed(days)] == forwards[::-1]
            assert [data_version(one.ticks(day)) for day in days] == forwards
            assert any(one.ticks(day).height for day in days)

    def test_ticks_keep_to_the_contract_their_session_and_their_order(self, tmp_path: Path) -> None:
        schema, contract = (RAW_TRADES_SCHEMA, RawTrades) if self.what == "trades" else (RAW_QUOTES_SCHEMA, RawQuotes)
        with self.opened(tmp_path) as source:
            for day in source.sessions()[:MOST]:
                ticks = source.ticks(day)
                (of_vendors(contract.to_schema()) if self.plugin.names_vendors else contract).validate(ticks)
                assert ticks.schema == pl.Schema({**schema, **(VENDOR_SCHEMA if self.plugin.names_vendors else {})})
                assert set(ticks["session"]) <= {day}
                assert ticks.equals(ticks.sort("symbol", "sequence", maintain_order=True))
                assert ticks.equals(ticks.unique(["symbol", "sequence"], maintain_order=True))
                placed = self.hours.placed(ticks.select("symbol", pl.col("at").cast(NANOSECONDS)))
                assert set(placed["session"].drop_nulls()) <= {day}

    def test_no_session_is_known_before_its_hours_are_over(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            for day in source.sessions()[:MOST]:
                known: datetime = source.known_at(day)
                assert known >= self.hours.known_at(day)
                assert known.utcoffset() == timedelta(0)
                assert source.known_at(day) == known

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            assert source.describe().strip()

    def test_what_can_not_be_read_says_why(self, tmp_path: Path) -> None:
        with self.unreadable(tmp_path) as source, pytest.raises(AtsError, match=r"\w+ \w+ \w+"):
            source.ticks(source.sessions()[0])

    def test_settings_are_frozen_with_defaults_and_refuse_what_is_wrong(self) -> None:
        settings = self.plugin.settings.model_validate(dict(self.own))
        assert self.plugin.settings.model_validate(settings.model_dump(mode="json")) == settings
        assert self.plugin.settings.model_config.get("frozen")
        for values in ({"no_such_setting": 1}, self.wrong):
            with pytest.raises(ValidationError):
                self.plugin.settings.model_validate({**self.own, **values})

    def test_what_partitions_follow_from_is_settings_of_its_own(self) -> None:
        settings = self.plugin.settings.model_validate(dict(self.own))
        followed = self.plugin.ticks_follow(settings)
        assert isinstance(followed, self.plugin.settings)
        assert self.plugin.ticks_follow(followed) == followed
