"""What every source must do, whatever it reads: derive a class `Test…` from `SourceKit`, name the plugin, and say how one is opened.

class TestMine(SourceKit):
    plugin = PLUGIN
    own = {"path": "/where/my/bars/lie"}
    wrong = {"path": 7}
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.errors import AtsError
from ats_assets.settings import Settings, StorageSettings
from ats_assets.sources import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA, BarSource, SourcePlugin, state_of
from ats_assets.sources.contracts import RAW_ACTIONS, RAW_BARS, of_vendors
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.storage.data_version import data_version

MOST = 30
"""Sessions that are looked at, at both ends of what a source has."""


class SourceKit:
    """The tests of one source."""

    plugin: ClassVar[SourcePlugin[Any]]
    own: ClassVar[Mapping[str, Any]] = {}
    """Its settings for a source with some sessions and symbols."""
    wrong: ClassVar[Mapping[str, Any]]
    """Settings that its class must refuse."""
    calendar: ClassVar[SessionCalendar] = session_calendar("XNYS", date(2020, 1, 2))

    def settings(self, folder: Path) -> Settings:
        """All settings, for a source that keeps what it has read."""
        return Settings(storage=StorageSettings(data=folder / "data", warehouse=folder / "warehouse", fsync=False))

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        """A source like every other one that is opened in this folder."""
        yield self.plugin.make(self.plugin.settings.model_validate(dict(self.own)), self.calendar, self.settings(folder))

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        """A source whose settings are accepted, but that can't be read; skipped where there is no such thing."""
        pytest.skip("there is nothing to read that could be missing")
        yield  # pyright: ignore[reportUnreachable]

    def sessions(self, source: BarSource) -> list[date]:
        days = self.calendar.sessions(source.first_session(), source.latest_session())
        return days if len(days) <= MOST else [*days[: MOST // 2], *days[-MOST // 2 :]]

    def test_two_that_are_opened_alike_deliver_the_same_bytes(self, tmp_path: Path) -> None:
        versions = []
        for folder in (tmp_path, tmp_path, tmp_path / "elsewhere"):
            with self.opened(folder) as source:
                days = self.sessions(source)
                frames = (source.bars(days), source.actions(days), source.bars(days))
                versions.append([*map(data_version, frames), state_of(source) is None])
                assert frames[0].height > 0
        assert versions[0] == versions[1] == versions[2]
        assert versions[0][0] == versions[0][2]

    def test_a_session_asked_for_alone_and_in_any_range_is_the_same(self, tmp_path: Path) -> None:
        choice = random.Random(1)
        with self.opened(tmp_path) as source:
            days = self.sessions(source)
            for ask in (source.bars, source.actions):
                whole = ask(days)
                for day in choice.sample(days, min(len(days), 5)):
                    assert ask([day]).equals(whole.filter(pl.col("session") == day))
                some = choice.sample(days, max(1, len(days) // 2))
                assert ask([*some, *some[:1]]).equals(whole.filter(pl.col("session").is_in(some)))

    def test_symbols_can_be_asked_for_without_changing_their_rows(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            days, symbols = self.sessions(source), source.symbols()
            assert symbols == sorted(set(symbols))
            for ask in (source.bars, source.actions):
                whole = ask(days)
                assert set(whole["symbol"].drop_nulls()) <= set(symbols)
                assert ask(days, symbols[:1]).equals(whole.filter(pl.col("symbol") == symbols[0]))

    def test_nothing_comes_of_sessions_that_were_not_asked_for(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            days = self.sessions(source)
            early = days[: max(1, len(days) // 2)]
            later = [day for day in self.calendar.sessions(source.latest_session(), self.calendar.last) if day > days[-1]][:3]
            for ask in (source.bars, source.actions):
                assert set(ask(early)["session"]) <= set(early)
                assert ask(early).equals(ask([*early, *later]).filter(pl.col("session").is_in(early)))
                assert ask([]).is_empty()
            assert source.bars(later).is_empty()

    def test_no_version_is_known_before_the_sessions_close(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            known = [source.known_at(day) for day in self.sessions(source)]
            assert all(at >= self.calendar.closes_at(day) for at, day in zip(known, self.sessions(source), strict=True))
            assert {at.utcoffset().total_seconds() for at in known if at.utcoffset() is not None} == {0.0}
            assert [source.known_at(day) for day in self.sessions(source)] == known

    def test_rows_keep_to_the_contracts_and_their_order(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            days = self.sessions(source)
            bars, actions = source.bars(days), source.actions(days)
            vendors = VENDOR_SCHEMA if self.plugin.names_vendors else {}
            for frame, contract in ((bars, RAW_BARS), (actions, RAW_ACTIONS)):
                (of_vendors(contract) if self.plugin.names_vendors else contract).validate(frame)
            for frame, schema in ((bars, RAW_BARS_SCHEMA), (actions, RAW_ACTIONS_SCHEMA), (source.bars([]), RAW_BARS_SCHEMA)):
                assert frame.schema == pl.Schema({**schema, **vendors})
                assert frame.equals(frame.sort("session", "symbol", maintain_order=True))
            assert {source.first_session(), source.latest_session()} <= {*bars["session"]}

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            assert source.name
            assert source.describe().strip()
            has_vwap = source.bars(self.sessions(source))["vwap"].is_not_null().any()
            assert source.capabilities.has_vwap or not has_vwap

    def test_what_can_not_be_read_says_why(self, tmp_path: Path) -> None:
        with self.unreadable(tmp_path) as source, pytest.raises(AtsError, match=r"\w+ \w+ \w+"):
            source.bars([source.latest_session()])

    def test_settings_are_frozen_with_defaults_and_refuse_what_is_wrong(self) -> None:
        settings = self.plugin.settings.model_validate(dict(self.own))
        assert self.plugin.settings.model_validate(settings.model_dump(mode="json")) == settings
        assert self.plugin.settings.model_config.get("frozen")
        for values in ({"no_such_setting": 1}, self.wrong):
            with pytest.raises(ValidationError):
                self.plugin.settings.model_validate({**self.own, **values})

    def test_what_partitions_follow_from_is_settings_of_its_own(self) -> None:
        settings = self.plugin.settings.model_validate(dict(self.own))
        for follow in (self.plugin.bars_follow, self.plugin.actions_follow):
            assert isinstance(follow(settings), self.plugin.settings)
            assert follow(follow(settings)) == follow(settings)
        assert isinstance(self.plugin.tells_name_changes(settings), bool)
