"""Drift is rare where nothing changes and is found where something does: the numbers of docs/continuous_learning.md, a few of their years and shifts by default."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.evaluation.schema import Drift
from ats_assets_tests.learning.simulated_features import (
    CALENDAR,
    FEATURES,
    RULE,
    YEAR,
    alarms_of_a_year,
    episodes,
    found_after,
    simulated,
)
from ats_assets_tests.rounds import FULL, rounds

SHARED = 0.04
"""Of the variance of a feature, by all symbols together."""


def test_a_shift_of_half_a_deviation_in_a_tenth_of_the_features_is_found_within_ten_sessions() -> None:
    n = rounds(2, 100)
    assert sum(found_after(seed, SHARED) is not None for seed in range(n)) >= 0.95 * n


@pytest.mark.skipif(not FULL, reason="takes eight minutes of a processor: dev.py test --full")
def test_a_hundred_years_without_change_have_no_more_than_a_false_alarm_a_year() -> None:
    years = [alarms_of_a_year(1_000 + seed, SHARED) for seed in range(100)]
    whole = [episodes(sorted({day for days in alarms.values() for day in days})) for alarms in years]
    assert sum(whole) <= 100


def test_rows_are_those_of_the_session_whatever_else_is_asked_for_and_whatever_comes_later() -> None:
    last = YEAR[45]
    market = simulated(5, last=last)
    rows = Drift.validate(market.watch().rows(YEAR[30:40]))
    assert rows.group_by("session").len()["len"].unique().to_list() == [7]
    session = YEAR[35]
    alone = market.watch().rows([session])
    assert rows.filter(session=session).equals(alone)
    later = np.array(market.days) > session
    features, ics = market.features.copy(), market.rank_ics.copy()
    features[later], ics[later] = 9.0, -1.0
    changed = replace(market, features=features, rank_ics=ics, scores=np.where(later[:, None], 9.0, market.scores))
    assert changed.watch().rows([session]).equals(alone)


def test_a_regime_that_the_training_window_hardly_knew_is_an_alarm() -> None:
    market = simulated(6, last=YEAR[30])
    place = {day: i for i, day in enumerate(market.days)}
    calm, stress = np.array([0.95, 0.05]), np.array([0.02, 0.98])
    watch = market.watch()
    recent = CALENDAR.window(YEAR[30], 10)
    watch._regimes = {"market": {day: stress if day in recent else calm for day in place}}
    rows = watch.rows([YEAR[30]]).filter(of="regime")
    assert rows["alarm"].to_list() == [False], "the state had a share of the window of 0.05, which is not less than 0.05"
    watch = market.watch()
    watch._regimes = {"market": {day: stress if day in recent else np.array([0.97, 0.03]) for day in place}}
    (row,) = watch.rows([YEAR[30]]).filter(of="regime").iter_rows(named=True)
    assert row["alarm"]
    assert row["about"] == "state 1: 0.98 of the newest sessions, 0.03 of those learnt from"


def test_before_there_is_a_past_nothing_is_an_alarm() -> None:
    market = simulated(7, last=date(2016, 8, 31))
    rows = market.watch().rows(CALENDAR.sessions(date(2016, 6, 1), date(2016, 7, 15)))
    assert not rows["alarm"].any()
    assert rows.filter(pl.col("threshold").is_not_null()).is_empty()
    assert RULE.chance(4, 10) == pytest.approx(0.1 / 3 / 4 * 10 / 252)
    assert FEATURES == 158
