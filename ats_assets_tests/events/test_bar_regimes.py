"""Regimes of bars: a planted switch is found within bars, and a row is the same alone and in a range and knows nothing later."""

from datetime import date

import numpy as np
import polars as pl

from ats_assets.events.bar_regimes import bar_regimes, bar_regimes_schema
from ats_assets.settings import BarRegimeSettings
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 7)
SETTINGS = BarRegimeSettings(frame="tick_bars", train_sessions=3, min_bars=100, filter_bars=50, match_fits=1, starts=1)


def switching(seed: int = 1) -> pl.DataFrame:
    """Bars of which each second session is four times as wild in its second half."""
    bars = random_bars(DAYS, bars_a_session=80, seed=seed)
    half = pl.len().over("symbol", "session") // 2
    place = pl.col("session").rank("dense").cast(pl.Int64)
    wild = (place % 2 == 0) & (pl.col("bar") >= half)
    middle = (pl.col("open") + pl.col("close")) / 2
    factor = pl.when(wild).then(4.0).otherwise(1.0)
    prices = [(middle + factor * (pl.col(name) - middle)).alias(name) for name in ("open", "high", "low", "close")]
    return bars.with_columns(*prices, wild=wild)


def test_a_planted_switch_is_found_within_ten_bars() -> None:
    bars = switching()
    found = bar_regimes(bars, SETTINGS, days=DAYS, sessions=DAYS)
    assert found.schema == bar_regimes_schema(SETTINGS)
    known = found.with_columns(wild=bars.sort("session", "symbol", "bar")["wild"]).filter(pl.col("bar_regime_state").is_not_nan())
    assert known["session"].unique().sort().to_list() == DAYS[3:] or known["session"].min() == DAYS[2]
    right = known["bar_regime_state"] == known["wild"].cast(pl.Float32)
    assert right.mean() > 0.9  # pyright: ignore[reportOperatorIssue]
    for (_,), rows in known.group_by("session", maintain_order=True):
        if rows["wild"].any():
            begins = int(np.flatnonzero(rows["wild"].to_numpy())[0])
            assert rows["bar_regime_state"][begins : begins + 10].max() == 1.0
    assert np.allclose(known["bar_regime_p0"] + known["bar_regime_p1"], 1.0)


def test_a_session_alone_is_that_of_a_range_and_knows_nothing_later() -> None:
    bars = switching(seed=2).drop("wild")
    whole = bar_regimes(bars, SETTINGS, days=DAYS, sessions=DAYS)
    at = len(DAYS) - 2
    window = DAYS[at - SETTINGS.back : at + 1]
    alone = bar_regimes(bars.filter(pl.col("session").is_in(window)), SETTINGS, days=window, sessions=[DAYS[at]])
    assert alone.equals(whole.filter(session=DAYS[at]), null_equal=True)
    instant = alone["known_at"][len(alone) // 2]
    later = bars.with_columns(
        pl.when(pl.col("known_at") > instant).then(pl.col(name) * 2).otherwise(name).alias(name) for name in ("high", "close")
    )
    other = bar_regimes(later, SETTINGS, days=DAYS, sessions=DAYS[: at + 1])
    assert other.filter(pl.col("known_at") <= instant).equals(whole.filter(pl.col("known_at") <= instant), null_equal=True)


def test_too_few_bars_and_equal_prices_have_no_regime() -> None:
    bars = random_bars(DAYS, bars_a_session=10)
    assert bar_regimes(bars, SETTINGS, days=DAYS, sessions=DAYS)["bar_regime_state"].is_nan().all()
    flat = random_bars(DAYS, bars_a_session=80).with_columns(pl.lit(1.0).alias(name) for name in ("open", "high", "low", "close"))
    assert bar_regimes(flat, SETTINGS, days=DAYS, sessions=DAYS)["bar_regime_state"].is_nan().all()
