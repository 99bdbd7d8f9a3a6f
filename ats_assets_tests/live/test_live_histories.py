"""What the session loop knows of the sessions before is what a backtest knows of them."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.live.choosing import histories
from ats_assets.portfolio.working_rules import session_days
from ats_assets.settings import CalendarSettings, OrdersSettings, Settings, StorageSettings
from ats_assets_tests.algorithms.test_stored_days import CALENDAR, minutes

SESSION = date(2023, 11, 27)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    orders = OrdersSettings(algorithm="vwap", session_bars="minutes")
    made = Deployment(
        Settings(
            storage=StorageSettings(warehouse=tmp_path / "warehouse"),
            calendar=CalendarSettings(first_session="2023-01-03"),  # pyright: ignore[reportArgumentType]
            orders=orders,
            samplers={"minutes": {"kind": "time"}},  # pyright: ignore[reportArgumentType]
        )
    )
    for k, day in enumerate(CALENDAR.window(SESSION, 22)[:-1]):
        rows = minutes(day).with_columns(close=10.0 + 0.1 * np.sin(k) * pl.int_range(pl.len()) / pl.len(), volume=100.0 + k)
        made.warehouse.write("minutes", day, rows)
        bars = pl.DataFrame({"symbol": ["A", "B"], "open": [10.0, 5.0], "high": [11.0, 5.0], "low": [9.0, 5.0], "close": [10.0, 5.0]})
        made.warehouse.write("bars", day, bars.with_columns(volume=pl.lit(7_000.0)))
    return made


def test_the_session_loop_and_a_backtest_know_the_same_of_a_symbol(deployment: Deployment) -> None:
    """They had two rules: median and mean, 63 sessions and 21, minutes that were collected and those that settings name."""
    told, expected = histories(deployment, SESSION)["A"], session_days(deployment).earlier_of(SESSION, "A")
    assert (told.day_volume, told.volatility) == (expected.day_volume, expected.volatility)
    assert told.volume_profile is not None
    assert expected.volume_profile is not None
    assert told.volume_profile.tolist() == expected.volume_profile.tolist()
    assert len(told.volume_profile) == 390


def test_where_no_minutes_are_stored_daily_bars_tell_of_the_volume(deployment: Deployment) -> None:
    told = histories(deployment, SESSION)["B"]
    assert (told.volume_profile, told.day_volume, told.volatility) == (None, 7_000.0, None)
