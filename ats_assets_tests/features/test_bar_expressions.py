"""Features of bars inside a session: the language of the daily ones over bars, and a row that is the same whatever is computed beside it."""

from datetime import date, datetime, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ExpressionError, FeatureError, LookAheadError
from ats_assets.features import read_family
from ats_assets.features.bar_expressions import bar_values, check_bar_expression, known_bars
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 7)
EXPRESSIONS = {
    "REV": "$close / Ref($close, 12) - 1",
    "VOL": "Std($return, 20)",
    "RATE": "$ticks / ($duration_seconds + 1)",
    "WIDE": "$spread / $close",
    "HOUR": "$hour",
}


def test_windows_count_bars_and_reach_over_sessions() -> None:
    bars = random_bars(DAYS, seed=1)
    found = bar_values(bars, EXPRESSIONS, days=DAYS, sessions=DAYS[3:5], lookback_sessions=2)
    returns = bars.with_columns(r=pl.col("close") / pl.col("close").shift(1) - 1, reversal=pl.col("close") / pl.col("close").shift(12) - 1)
    expected = returns.with_columns(v=pl.col("r").rolling_std(20)).filter(pl.col("session").is_in(DAYS[3:5]))
    assert found["known_at"].to_list() == expected["known_at"].to_list()
    np.testing.assert_allclose(found["REV"], expected["reversal"], rtol=3e-3, atol=3e-7)
    np.testing.assert_allclose(found["VOL"], expected["v"], rtol=1e-5)
    np.testing.assert_allclose(found["HOUR"], expected["known_at"].dt.timestamp("ms") % 86_400_000 / 3_600_000, rtol=1e-6)
    assert found.schema["REV"] == pl.Float32


def test_nothing_is_looked_back_on_before_the_look_back_sessions() -> None:
    """With a look-back of no session, the first bar of each one has no bar before it."""
    found = bar_values(random_bars(DAYS), {"BACK": "Ref($close, 1)"}, days=DAYS, sessions=DAYS, lookback_sessions=0)
    first = found.group_by("session", maintain_order=True).first()
    assert first["BACK"].is_nan().all()
    assert found["BACK"].is_nan().sum() == len(DAYS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), back=st.integers(0, 3), cut=st.integers(1, len(DAYS) - 1))
def test_a_row_alone_is_the_row_of_a_range_and_knows_nothing_later(seed: int, back: int, cut: int) -> None:
    bars = random_bars(DAYS, symbols=("A", "B"), bars_a_session=12, seed=seed)
    whole = bar_values(bars, EXPRESSIONS, days=DAYS, sessions=DAYS, lookback_sessions=back)
    alone = [bar_values(bars, EXPRESSIONS, days=DAYS, sessions=[day], lookback_sessions=back) for day in DAYS]
    assert whole.equals(pl.concat(alone), null_equal=True)
    instant = whole.filter(session=DAYS[cut])["known_at"].gather([3]).item()
    later = bars.with_columns(
        pl.when(pl.col("known_at") > instant).then(pl.col(name) * 1.5).otherwise(pl.col(name)) for name in ("open", "close", "spread")
    ).filter((pl.col("known_at") <= instant) | (pl.col("bar") % 2 == 0))
    known = pl.col("known_at") <= instant
    other = bar_values(later, EXPRESSIONS, days=DAYS, sessions=DAYS, lookback_sessions=back)
    assert other.filter(known).equals(whole.filter(known), null_equal=True)
    assert not other.filter(~known).equals(whole.filter(~known), null_equal=True)


def test_a_session_without_bars_has_no_rows() -> None:
    bars = random_bars(DAYS).filter(pl.col("session") != DAYS[2])
    found = bar_values(bars, EXPRESSIONS, days=DAYS, sessions=DAYS[2:4], lookback_sessions=5)
    assert found["session"].unique().to_list() == [DAYS[3]]
    assert bar_values(bars, EXPRESSIONS, days=DAYS, sessions=[DAYS[2]], lookback_sessions=5).is_empty()


def test_what_the_end_of_a_session_closed_is_known_at_that_end() -> None:
    """Until then another tick could have belonged to the bar."""
    bars = random_bars(DAYS[:1])
    end = datetime(2014, 5, 2, tzinfo=timezone.utc)  # noqa: UP017
    found = known_bars(bars, {DAYS[0]: end})
    assert found["known_at"][-1] == end
    assert found["known_at"][:-1].equals(bars["known_at"][:-1])
    assert found.schema == bars.schema


@pytest.mark.parametrize("text", ["CSRank($close)", "Mask($close, 'SPY')", "$nothing"])
def test_what_can_not_run_over_bars_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        check_bar_expression(text)


def test_a_look_ahead_is_refused() -> None:
    with pytest.raises(LookAheadError):
        check_bar_expression("Ref($close, -1)")


def test_a_file_names_its_frame() -> None:
    text = 'frame = "tick_bars"\n[terms]\nwide = "$spread / $close"\n[features]\nW = "Mean($wide, 5)"\n'
    family = read_family(text, "ticks", "ticks.toml")
    assert family.frame == "tick_bars"
    assert family.lookback == 4
    with pytest.raises(FeatureError, match="key of the table"):
        read_family('frame = "tick_bars"\n[features]\nknown_at = "$close"\n', "ticks", "ticks.toml")
    with pytest.raises(ExpressionError, match="no field"):
        read_family('[features]\nW = "$spread"\n', "daily", "daily.toml")
    with pytest.raises(FeatureError, match="frame has to be"):
        read_family('frame = 1\n[features]\nW = "$close"\n', "daily", "daily.toml")
