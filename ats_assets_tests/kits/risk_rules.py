"""What every risk rule must do: derive a class `Test…` from `RiskRuleKit` and name the plugin.

class TestMine(RiskRuleKit):
    plugin = PLUGIN
    small = {"target_volatility": 0.05}
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from ats_assets.plugins import Plugin
from ats_assets.risk import BOOKS, Rule, past_books, ruled
from ats_assets.risk.rule import PROPOSED_SCHEMA
from ats_assets_tests.kits import market
from ats_assets_tests.kits.settings import judge_settings


def proposed() -> pl.DataFrame:
    """A book for each session of the kits' market but one, long and short, of what has a bar, zeros among it."""
    rows = market.frames()["bars"].select("symbol", "session")
    weights = np.random.default_rng(3).normal(0.02, 0.1, rows.height)
    weights = np.where(np.random.default_rng(4).random(rows.height) < 0.3, 0.0, weights)
    found = rows.with_columns(weight=pl.Series(weights)).filter(pl.col("session") != market.DAYS[40])
    return found.cast(dict(PROPOSED_SCHEMA)).sort("session", "symbol")


class RiskRuleKit:
    """The tests of one rule on the kits' market."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it changes some of the books of `proposed` from the 20th session on."""

    def rule(self, **changes: Any) -> Rule:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    def applied(self, sessions: Sequence[date], rows: market.Frames | None = None, books: pl.DataFrame | None = None) -> pl.DataFrame:
        """To neighbouring sessions, by what the rule asks for and nothing else."""
        rule = self.rule()
        frames, days = market.windows(rule.needs(), sessions, rows)
        known = proposed() if books is None else books
        given = known.filter(pl.col("session").is_in(list(sessions)))
        first = market.DAYS[max(0, market.DAYS.index(sessions[0]) - past_books(rule))]
        frames |= {BOOKS: known.filter(pl.col("session").is_between(first, sessions[-1]))} if past_books(rule) else {}
        days = market.DAYS[min(market.DAYS.index(first), market.DAYS.index(days[0])) : market.DAYS.index(sessions[-1]) + 1]
        return ruled("mine", given, rule.apply(given, frames, days, sessions))

    def test_each_change_has_a_reason_and_what_is_not_changed_has_none(self) -> None:
        made, given = self.applied(market.DAYS[20:]), proposed().filter(pl.col("session") >= market.DAYS[20])
        moved = made["weight"] != given["weight"]
        assert moved.any(), "it changes nothing on this market: give `small` settings with which it does"
        assert made["reason"].is_not_null().equals(moved)
        assert made["reason"].drop_nulls().str.starts_with("mine: ").all()
        assert made["weight"].is_finite().all()

    def test_the_same_books_come_out_the_same_alone_and_in_any_range(self) -> None:
        sessions = market.DAYS[18:]
        whole = self.applied(sessions)
        assert whole.equals(self.applied(sessions))
        for day in sessions[::5]:
            assert self.applied([day]).equals(whole.filter(session=day)), day
        assert self.applied(sessions[3:9]).equals(whole.filter(pl.col("session").is_between(sessions[3], sessions[8])))

    @pytest.mark.parametrize("last", market.DAYS[23:45:7])
    def test_what_comes_after_a_session_changes_no_book_up_to_it(self, last: date) -> None:
        sessions, later = market.DAYS[20:], pl.col("session") > last
        other = proposed().with_columns(weight=pl.when(later).then(pl.col("weight") * 3).otherwise("weight"))
        before, after = self.applied(sessions), self.applied(sessions, market.other_future(last), other)
        assert after.filter(~later).equals(before.filter(~later))

    def test_a_session_without_an_opinion_stays_without_one(self) -> None:
        assert self.applied([market.DAYS[40]]).is_empty()
        assert self.applied(market.DAYS[39:42])["session"].n_unique() == 2

    def test_an_empty_book_stays_empty_and_says_nothing(self) -> None:
        made = self.applied(market.DAYS[20:], books=proposed().with_columns(weight=pl.lit(0.0)))
        assert (made["weight"] == 0.0).all()
        assert made["reason"].is_null().all()

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)
