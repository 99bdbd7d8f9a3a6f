"""When decisions are made: the same alone and in a range, known when they are, and with the side of a rule."""

from datetime import date

import polars as pl
import pytest

from ats_assets.errors import LookAheadError, SettingsError
from ats_assets.events.decisions import check_side, events_of
from ats_assets.events.schema import EVENTS_SCHEMA
from ats_assets.labels.cusum import CusumSettings, cusum_events
from ats_assets.settings import EventsSettings
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 6)
CUSUM = CusumSettings(threshold=1.0, min_volatility_bars=5, volatility_span_bars=10, lookback_sessions=2)
RULE = EventsSettings(frame="tick_bars", side="$close - Mean($close, 10)")
PLAIN = EventsSettings(frame="tick_bars")
ALL = EventsSettings(frame="tick_bars", sample="every_bar")


@pytest.mark.parametrize("settings", [PLAIN, RULE, ALL], ids=["cusum", "rule", "every bar"])
def test_a_session_alone_is_that_of_a_range_and_knows_nothing_later(settings: EventsSettings) -> None:
    bars = random_bars(DAYS, symbols=("A", "B"), seed=3)
    how = {"days": DAYS, "lookback_sessions": 2}
    whole = events_of(bars, settings, CUSUM, sessions=DAYS, **how)
    alone = pl.concat([events_of(bars, settings, CUSUM, sessions=[day], **how) for day in DAYS]).sort("symbol", "session", "bar")
    assert whole.equals(alone)
    assert whole.schema == EVENTS_SCHEMA
    assert whole.height > 20
    instant = whole["known_at"][whole.height // 3]
    known = bars.filter(pl.col("known_at") <= instant)
    assert (
        events_of(known, settings, CUSUM, sessions=DAYS, **how)
        .filter(pl.col("known_at") <= instant)
        .equals(whole.filter(pl.col("known_at") <= instant))
    )


def test_events_are_those_of_cusum_but_for_the_last_bar_of_a_session() -> None:
    bars = random_bars(DAYS, seed=4)
    found = events_of(bars, PLAIN, CUSUM, days=DAYS, sessions=DAYS, lookback_sessions=2)
    expected = cusum_events(bars, DAYS, CUSUM).join(bars.select("symbol", "session", "bar", "closed_by"), on=["symbol", "session", "bar"])
    assert found["bar"].to_list() == expected.filter(pl.col("closed_by") == "threshold")["bar"].to_list()
    assert found["side"].null_count() == found.height


def test_the_side_is_the_sign_of_the_rule_and_without_one_there_is_no_event() -> None:
    bars = random_bars(DAYS, seed=5)
    found = events_of(bars, RULE.model_copy(update={"sample": "every_bar"}), CUSUM, days=DAYS, sessions=DAYS[2:], lookback_sessions=2)
    mean = pl.col("close").rolling_mean(10)
    expected = bars.with_columns(s=(pl.col("close") - mean).sign()).filter(pl.col("session") >= DAYS[2], pl.col("closed_by") == "threshold")
    both = found.join(expected, on=["symbol", "session", "bar"], how="full")
    assert (both["side"] == both["s"]).mean() > 0.99  # single precision decides where price and mean are equal
    flat = bars.with_columns(open=pl.lit(1.0), high=pl.lit(1.0), low=pl.lit(1.0), close=pl.lit(1.0))
    assert events_of(flat, RULE, CUSUM, days=DAYS, sessions=DAYS, lookback_sessions=2).is_empty()


def test_a_rule_that_is_no_expression_over_bars_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"events\.side .* no field"):
        check_side(PLAIN.model_copy(update={"side": "$bid"}))
    with pytest.raises(LookAheadError):
        check_side(PLAIN.model_copy(update={"side": "Ref($close, -1)"}))
