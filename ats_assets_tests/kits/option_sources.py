"""What every source of options must do, whatever it reads: derive a class `Test…` from `OptionSourceKit`, name the plugin, and have a fixture `deployment` in the module: in which it is opened,
with what it reads in the warehouse.

class TestMine(OptionSourceKit):
    plugin = PLUGIN
    own = {"path": "/where/my/chains/lie"}
    wrong = {"path": 7}
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.deployment import Deployment
from ats_assets.options.chain_screening import screen_chains
from ats_assets.options.contracts import OptionChains, RawOptionChains, RejectedOptionChains
from ats_assets.options.option_source import OptionSource, OptionSourcePlugin, chain_order
from ats_assets.options.schema import RAW_OPTION_CHAINS_SCHEMA
from ats_assets.sources.contracts import schema_violations
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.storage.data_version import data_version

MOST = 10
"""Sessions that are looked at, of the first that a source has."""


class OptionSourceKit:
    """The tests of one source of options."""

    plugin: ClassVar[OptionSourcePlugin[Any]]
    own: ClassVar[Mapping[str, Any]] = {}
    """Its settings for a source with some sessions and contracts."""
    wrong: ClassVar[Mapping[str, Any]]
    """Settings that its class must refuse."""

    def opened(self, deployment: Deployment) -> OptionSource:
        return self.plugin.make(self.plugin.settings.model_validate(dict(self.own)), deployment)

    def test_two_that_are_opened_alike_deliver_the_same_bytes_in_any_order(self, deployment: Deployment) -> None:
        one, other = self.opened(deployment), self.opened(deployment)
        days = one.sessions()[:MOST]
        assert days
        assert days == sorted(set(days)) == other.sessions()[:MOST]
        versions = {day: data_version(one.chains(day)) for day in days}
        shuffled = random.Random(1).sample(days, len(days))
        assert {day: data_version(other.chains(day)) for day in shuffled} == versions
        assert sum(one.chains(day).height for day in days) > 0

    def test_rows_are_those_of_the_contract_in_order(self, deployment: Deployment) -> None:
        source, schema = self.opened(deployment), {**RAW_OPTION_CHAINS_SCHEMA, **(VENDOR_SCHEMA if self.plugin.names_vendors else {})}
        for day in source.sessions()[:MOST]:
            rows = source.chains(day)
            assert rows.schema == pl.Schema(schema)
            assert rows.filter(pl.col("session").ne_missing(day)).is_empty()
            own = rows.select(RAW_OPTION_CHAINS_SCHEMA.names())
            assert schema_violations(RawOptionChains, own) == []
            assert own.equals(chain_order(own))

    def test_nothing_is_known_before_its_close_or_of_a_session_that_has_not_closed(self, deployment: Deployment) -> None:
        source = self.opened(deployment)
        for day in source.sessions():
            assert deployment.calendar.closes_at(day) <= source.known_at(day)
            assert deployment.calendar.closes_at(day) <= datetime.now(UTC)

    def test_what_it_delivers_is_screened_without_a_row_lost(self, deployment: Deployment) -> None:
        source = self.opened(deployment)
        options = deployment.settings.options.model_copy(update={"spot": "delivered"})
        for day in source.sessions()[:MOST]:
            rows = source.chains(day)
            own = rows.select(RAW_OPTION_CHAINS_SCHEMA.names())
            kept, others = screen_chains(own, pl.DataFrame(), deployment.calendar, options)
            assert kept.height + others.height == rows.height
            assert schema_violations(OptionChains, kept) == schema_violations(RejectedOptionChains, others) == []

    def test_it_says_what_it_reads(self, deployment: Deployment) -> None:
        assert len(self.opened(deployment).describe().splitlines()) > 1

    def test_settings_are_checked_and_survive_a_round_trip(self) -> None:
        checked = self.plugin.settings.model_validate(dict(self.own))
        assert self.plugin.settings.model_validate_json(checked.model_dump_json()) == checked
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate({**self.own, **self.wrong})
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate({**self.own, "no_such_setting": 1})

    def test_where_it_lies_is_no_part_of_what_its_chains_follow(self, tmp_path: Path) -> None:
        follow = self.plugin.chains_follow
        settings = self.plugin.settings.model_validate(dict(self.own))
        if "path" in type(settings).model_fields:
            here, there = (settings.model_copy(update={"path": tmp_path / name}) for name in ("here", "there"))
            assert follow(here) == follow(there)
