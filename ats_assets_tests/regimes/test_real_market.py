"""Regimes of real daily returns of SPY: 2008 is turbulent, 2017 calm, and a state keeps its meaning from refit to refit."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.regimes import RegimeModel, estimated, filtered_states, state_order, window_starts
from ats_assets.settings import RegimeSettings
from ats_assets_tests.market_data import MARKET_DATA

BARS: Path = MARKET_DATA / "us_daily_raw" / "bars.parquet"
SETTINGS = RegimeSettings(observations=("return", "volatility"), starts=2)


@pytest.fixture(scope="module")
def spy() -> pl.DataFrame:
    if not BARS.is_file():
        pytest.skip(f"{BARS} is not there")
    bars = pl.read_parquet(BARS).filter(pl.col("symbol").str.to_uppercase() == "SPY").sort("date")
    returns = 100.0 * (pl.col("close") / pl.col("close").shift(1) - 1.0)
    return bars.select(
        pl.col("date").cast(pl.Date), returns.alias("return"), (pl.col("high") / pl.col("low")).log().log().alias("range")
    ).slice(1)


def fitted(spy: pl.DataFrame, until: date) -> RegimeModel:
    rows = spy.filter(pl.col("date") <= until).tail(504)
    found = estimated(rows.select("return", "range").to_numpy(), np.zeros(rows.height, np.int64), SETTINGS, 2)
    assert found is not None
    return found.model


def test_the_crisis_is_turbulent_and_2017_is_calm_by_estimations_that_know_neither_end(spy: pl.DataFrame) -> None:
    for refit, first, last, turbulent in (
        (date(2008, 9, 2), date(2008, 9, 29), date(2008, 12, 1), True),
        (date(2017, 7, 3), date(2017, 7, 3), date(2017, 12, 29), False),
    ):
        model = fitted(spy, refit)
        model = model.ordered(state_order([model]))
        rows = spy.filter(pl.col("date") <= last).tail(400)
        found = filtered_states(model, rows.select("return", "range").to_numpy(), window_starts(np.zeros(rows.height, np.int64), 126))
        within = rows["date"].is_between(first, last).to_numpy()
        share = float((found.state[within] == 1).mean())
        assert share > 0.9 if turbulent else share < 0.2, (refit, share)


def test_states_keep_their_meaning_through_four_years_of_quarterly_refits(spy: pl.DataFrame) -> None:
    refits = [date(year, month, 2) for year in range(2006, 2010) for month in (1, 4, 7, 10)]
    models = [fitted(spy, day) for day in refits]
    variances = []
    for i in range(4, len(models)):
        chain = models[i - 4 : i + 1]
        ordered = chain[-1].ordered(state_order(chain))
        variances.append(ordered.covariances[:, 0, 0])
    assert all(calm < turbulent for calm, turbulent in variances)
