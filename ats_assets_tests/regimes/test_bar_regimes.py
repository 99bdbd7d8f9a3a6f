"""Regimes at bars inside a session: in row form, the same alone and in any range, learnt from earlier sessions alone, and a family that models of events learn."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.errors import SettingsError
from ats_assets.events.choosing import event_families
from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.regimes.assets import assets
from ats_assets.regimes.bar_regimes_rows import bar_fit_rows, bar_observations, bar_regimes_of
from ats_assets.regimes.contracts import RegimeFits, regimes_contract
from ats_assets.regimes.schema import FITS_SCHEMA
from ats_assets.settings import RegimeSettings
from ats_assets_tests.events.lanes import DAYS, FOREST, PULL, made, planted_lane, store_quotes
from ats_assets_tests.regimes.chains import planted

BARS_A_SESSION, BACK = 240, 2
SETTINGS = RegimeSettings(
    frame="tick_bars",
    observations=("return",),
    max_states=2,
    starts=2,
    refit="session",
    train_sessions=4,
    min_train_sessions=2,
    filter_sessions=40,
    match_refits=2,
)


def some_bars(seed: int = 1, size: float = 1e-4) -> tuple[np.ndarray, pl.DataFrame]:
    """Bars of one symbol whose returns switch between two deviations."""
    path, moves = planted(np.array([0.5, 2.0]), seed, rows=BARS_A_SESSION * len(DAYS), stay=0.98)
    rows = []
    price = 1.0
    for i, move in enumerate(moves * size):
        day = DAYS[i // BARS_A_SESSION]
        opened, price = price, price * float(np.exp(move))
        bar = i % BARS_A_SESSION
        rows.append(
            {
                "symbol": "EURUSD",
                "session": day,
                "bar": bar,
                "open": opened,
                "close": price,
                "high": max(opened, price),
                "low": min(opened, price),
            }
        )
    frame = pl.DataFrame(rows).with_columns(known_at=pl.col("session").cast(pl.Datetime("ns", "UTC")) + pl.duration(minutes=pl.col("bar")))
    missing = [pl.lit(None).alias(name) for name in INFORMATION_BARS_SCHEMA.names() if name not in frame.columns]
    return path, frame.with_columns(*missing).select(INFORMATION_BARS_SCHEMA.names()).cast(INFORMATION_BARS_SCHEMA)


def fits_of(bars: pl.DataFrame) -> pl.DataFrame:
    parts = [FITS_SCHEMA.to_frame()]
    for i, day in enumerate(DAYS):
        days = DAYS[max(0, i - SETTINGS.train_sessions + 1 - BACK) : i + 1]
        rows = bar_observations(bars.filter(pl.col("session").is_in(days)), days, lookback_sessions=BACK)
        parts.append(bar_fit_rows(day, rows.filter(pl.col("session") >= DAYS[max(0, i - SETTINGS.train_sessions + 1)]), SETTINGS))
    return RegimeFits.validate(pl.concat(parts))


def regimes(bars: pl.DataFrame, fits: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    days = DAYS[max(0, first - 2 * BACK) : last + 1]
    rows = bar_observations(bars.filter(pl.col("session").is_in(days)), days, lookback_sessions=BACK)
    known = fits.filter(pl.col("session") < DAYS[last])
    return bar_regimes_of("fx", SETTINGS, observations=rows, fits=known, days=days, sessions=DAYS[first : last + 1], lookback_sessions=BACK)


def test_an_observation_is_a_bar_over_what_its_symbol_moved_in_the_sessions_before() -> None:
    _, bars = some_bars()
    found = bar_observations(bars, DAYS, lookback_sessions=BACK)
    raw = np.log(bars["close"].to_numpy() / bars["open"].to_numpy())
    assert found["return"].is_nan().sum() == BARS_A_SESSION  # the first session has none before it
    at = 5 * BARS_A_SESSION + 7
    before = raw[3 * BARS_A_SESSION : 5 * BARS_A_SESSION]
    assert found["return"][at] == pytest.approx(raw[at] / before.std(ddof=1))


def test_regimes_follow_the_planted_states_bar_by_bar_in_any_unit() -> None:
    path, bars = some_bars()
    found = regimes(bars, fits_of(bars), 0, 9)
    regimes_contract("regimes", "fx", SETTINGS).validate(found)
    own = found.filter(pl.col("session") >= DAYS[5])
    assert (own["fx_state"].to_numpy() == path[5 * BARS_A_SESSION :]).mean() > 0.85
    assert found.filter(pl.col("session") <= DAYS[1])["fx_state"].is_nan().all()
    _, large = some_bars(size=1e-2)
    other = regimes(large, fits_of(large), 6, 9)
    assert np.mean(other["fx_state"].to_numpy() == found.filter(pl.col("session") >= DAYS[6])["fx_state"].to_numpy()) > 0.97


def test_a_session_alone_has_the_bits_of_any_range_and_no_bar_sees_a_later_one() -> None:
    _, bars = some_bars(seed=3)
    fits = fits_of(bars)
    whole = regimes(bars, fits, 0, 9)
    for i in (3, 6, 9):
        assert regimes(bars, fits, i, i).equals(whole.filter(session=DAYS[i])), i
    instant = bars.filter(session=DAYS[7])["known_at"][90]
    later = pl.col("known_at") > instant
    other = bars.with_columns(pl.when(later).then(pl.col("close") * 1.01).otherwise("close").alias("close"))
    again = regimes(other, fits_of(other), 0, 9)
    assert again.filter(~later).equals(whole.filter(~later))
    assert not again.equals(whole)


def test_symbols_are_filtered_each_by_itself() -> None:
    _, bars = some_bars(seed=4)
    _, more = some_bars(seed=5)
    both = pl.concat(
        [
            bars,
            more.with_columns(symbol=pl.lit("NZDUSD"), known_at=(pl.col("known_at") + timedelta(seconds=1)).cast(pl.Datetime("ns", "UTC"))),
        ]
    )
    fits = fits_of(both)
    together = regimes(both, fits, 4, 9)
    assert together.filter(symbol="EURUSD").equals(regimes(bars, fits, 4, 9))


def test_they_are_assets_and_a_family_that_models_of_events_can_learn(tmp_path: Path) -> None:
    wanted = {"fx": SETTINGS.model_dump(exclude={"observations"}) | {"observations": ("return", "volatility"), "min_train_sessions": 1}}
    deployment = planted_lane(
        tmp_path, event_training={"families": ("fast", "regimes")}, regimes=wanted, event_models={"direction": FOREST}
    )
    assert deployment.of(event_families)["regimes"].factors[:2] == ("fx_p0", "fx_p1")
    store_quotes(deployment, DAYS[:5], pull=PULL)
    made(deployment, DAYS[:5], ["tick_bars", "regime_fits", "regimes"])
    rows = deployment.warehouse.read("regimes", DAYS[:5])
    bars = deployment.warehouse.read("tick_bars", DAYS[:5])
    assert rows.select("symbol", "session", "known_at").equals(
        bars.sort("session", "symbol", "bar").select("symbol", "session", "known_at")
    )
    known = rows.filter(pl.col("fx_p0").is_not_nan())["session"].to_list()
    assert min(known) > min(deployment.warehouse.read("regime_fits", DAYS[:5])["session"].to_list())


def test_a_frame_that_is_no_sampler_or_of_a_market_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'other_bars', which is none of"):
        assets(planted_lane(tmp_path, regimes={"fx": {"frame": "other_bars"}}))
    with pytest.raises(ValidationError, match="bars inside a session are those of symbols"):
        RegimeSettings(frame="tick_bars", form="macro")
