"""What every source of flow must do, whatever it asks: derive a class `Test…` from `FlowSourceKit`, name the plugin, and say how one is opened.

class TestMine(FlowSourceKit):
    plugin = PLUGIN
    own = {"symbols": ("AAPL",)}
    wrong = {"symbols": ()}
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import AtsError
from ats_assets.options.flow.contracts import OptionFlow, RawOptionFlow, RejectedOptionFlow
from ats_assets.options.flow.flow_screening import screen_flow
from ats_assets.options.flow.flow_source import FlowSource, FlowSourcePlugin, flow_order, flow_span
from ats_assets.sources.contracts import schema_violations
from ats_assets.storage.data_version import data_version

MOST = 5
"""Sessions that are looked at, of the last that a source has."""


class FlowSourceKit:
    """The tests of one source of flow."""

    plugin: ClassVar[FlowSourcePlugin[Any]]
    own: ClassVar[Mapping[str, Any]] = {}
    """Its settings for a source with some sessions."""
    wrong: ClassVar[Mapping[str, Any]]
    """Settings that its class must refuse."""
    calendar: ClassVar[SessionCalendar]

    @contextmanager
    def opened(self, folder: Path) -> Iterator[FlowSource]:
        """A source like every other one that is opened in this folder."""
        raise NotImplementedError
        yield

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[FlowSource]:
        """A source whose settings are accepted, but that can't be asked."""
        raise NotImplementedError
        yield

    def test_two_that_are_opened_alike_deliver_the_same_bytes_in_any_order(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as one, self.opened(tmp_path) as other:
            days = one.sessions()[-MOST:]
            assert days == sorted(set(days)) == other.sessions()[-MOST:] != []
            versions = {day: data_version(one.flow(day)) for day in days}
            assert {day: data_version(other.flow(day)) for day in random.Random(1).sample(days, len(days))} == versions
            assert any(one.flow(day).height for day in days)

    def test_rows_are_those_of_the_contract_in_order_and_of_what_was_known_in_their_session(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            for day in source.sessions()[-MOST:]:
                rows = source.flow(day)
                assert schema_violations(RawOptionFlow, rows) == []
                assert rows.filter(pl.col("session").ne_missing(day)).is_empty()
                assert rows.equals(flow_order(rows))
                before, close = flow_span(self.calendar, day)
                assert rows.filter(pl.col("known_at") > close).is_empty(), "nothing that was not known at the close"
                assert before is None or rows.filter(pl.col("known_at") <= before).is_empty()

    def test_no_session_is_known_before_its_close(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            for day in source.sessions()[-MOST:]:
                assert source.known_at(day) >= self.calendar.closes_at(day)
                assert source.known_at(day).utcoffset() == timedelta(0)

    def test_what_it_delivers_is_screened_without_a_row_lost(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            for day in source.sessions()[-MOST:]:
                rows = source.flow(day)
                kept, others = screen_flow(rows, self.calendar)
                assert kept.height + others.height == rows.height
                assert schema_violations(OptionFlow, kept) == schema_violations(RejectedOptionFlow, others) == []

    def test_it_says_what_it_asks(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as source:
            assert len(source.describe().splitlines()) > 1

    def test_what_can_not_be_asked_says_why(self, tmp_path: Path) -> None:
        with self.unreadable(tmp_path) as source, pytest.raises(AtsError, match=r"\w+ \w+ \w+"):
            source.flow(source.sessions()[-1])

    def test_settings_are_checked_and_survive_a_round_trip(self) -> None:
        checked = self.plugin.settings.model_validate(dict(self.own))
        assert self.plugin.settings.model_validate_json(checked.model_dump_json()) == checked
        assert self.plugin.settings.model_config.get("frozen")
        followed = self.plugin.flow_follows(checked)
        assert self.plugin.flow_follows(followed) == followed
        for values in (self.wrong, {"no_such_setting": 1}):
            with pytest.raises(ValidationError):
                self.plugin.settings.model_validate({**self.own, **values})
