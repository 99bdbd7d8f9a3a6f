"""CUSUM events: by hand, against a slow oracle whose volatility is pandas', and as rows that are the same alone and in a range."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.labels.bar_paths import bar_paths
from ats_assets.labels.bar_volatility import bar_volatility
from ats_assets.labels.cusum import EVENTS_SCHEMA, CusumSettings, cusum_events
from ats_assets_tests.labels.bars_inside_sessions import DAYS, random_bars
from ats_assets_tests.labels.event_oracle import bars_of, events, volatility
from ats_assets_tests.rounds import rounds

VOLATILE = CusumSettings(threshold=1.5, volatility_span_bars=3, min_volatility_bars=3, lookback_sessions=1)
FIXED = CusumSettings(unit="returns", threshold=0.0075)


@settings(max_examples=rounds(15, 500), deadline=None)
@given(seed=st.integers(0, 10_000), how=st.sampled_from([VOLATILE, FIXED]))
def test_events_are_those_of_a_slow_oracle(seed: int, how: CusumSettings) -> None:
    bars = random_bars(seed, bars=12)
    assert cusum_events(bars, DAYS, how).select("symbol", "session", "bar", "direction").rows() == events(bars, DAYS, how)


def by_hand(*closes: float, threshold: float) -> list[tuple[int, int]]:
    bars = random_bars(2, bars=200, symbols=["A"], days=DAYS[:1])[: len(closes)]
    assert bars.height == len(closes)
    made = bars.with_columns(close=pl.Series(closes), open=pl.Series([100.0, *closes[:-1]]))
    return cusum_events(made, DAYS[:1], CusumSettings(unit="returns", threshold=threshold)).select("bar", "direction").rows()


def test_what_is_reached_begins_at_zero_again() -> None:
    up = np.log(1.01)
    assert by_hand(*(100 * 1.01**i for i in range(1, 8)), threshold=2.5 * up) == [(2, 1), (5, 1)], "0.01, 0.02, 0.03 and again"
    assert by_hand(101, 102, 99, 98, 97, 99, threshold=0.03) == [(3, -1)], "102 to 98"
    assert by_hand(100, 100, 100, threshold=1e-9) == [], "equal prices are no event"
    assert by_hand(103, threshold=0.02) == [(0, 1)], "the first bar's return is that from its open"


def test_a_night_is_no_event_and_each_session_begins_at_zero() -> None:
    bars = random_bars(3, bars=200, symbols=["A"], days=DAYS[:2])
    flat = bars.with_columns(pl.when(session=DAYS[0]).then(100.0).otherwise(150.0).alias(name) for name in ("open", "high", "low", "close"))
    assert bars["session"].n_unique() == 2
    assert cusum_events(flat, DAYS[:2], FIXED).is_empty()


def test_the_volatility_of_a_bar_is_pandas_over_the_sessions_looked_back_over() -> None:
    bars = random_bars(4, symbols=["A"])
    found = bar_volatility(bar_paths(bars, DAYS), span_bars=4, min_bars=3, lookback_sessions=2)
    rows = bars_of(bars)["A"]
    assert found == pytest.approx(
        [volatility(rows, DAYS, i, span=4, least=3, lookback=2) for i in range(len(rows))], rel=1e-9, abs=1e-15, nan_ok=True
    )
    assert np.isfinite(found).sum() > 50


def test_a_session_alone_has_the_events_that_it_has_in_a_range() -> None:
    bars = random_bars(7)
    whole = cusum_events(bars, DAYS, VOLATILE)
    assert whole.height > 40
    for i in range(1, len(DAYS)):
        window = bars.filter(pl.col("session").is_between(DAYS[i - 1], DAYS[i]))
        assert cusum_events(window, DAYS[i - 1 : i + 1], VOLATILE).filter(session=DAYS[i]).equals(whole.filter(session=DAYS[i])), DAYS[i]


def test_what_comes_later_and_in_which_order_changes_nothing() -> None:
    bars = random_bars(9)
    instant = bars["known_at"].sort()[bars.height // 2]
    known = bars.filter(pl.col("known_at") <= instant)
    assert cusum_events(known.sample(fraction=1.0, shuffle=True, seed=1), DAYS, VOLATILE).equals(
        cusum_events(bars, DAYS, VOLATILE).filter(pl.col("decided_at") <= instant)
    )
    assert cusum_events(bars.clear(), DAYS, VOLATILE).schema == EVENTS_SCHEMA
