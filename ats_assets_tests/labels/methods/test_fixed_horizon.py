"""The sign of a return over a fixed horizon, beside forward returns and by hand."""

from datetime import date, timedelta
from typing import ClassVar

import polars as pl
import pytest

from ats_assets.labels import labels_known_at
from ats_assets.labels.methods.fixed_horizon import FIXED_HORIZON_SCHEMA, PLUGIN, FixedHorizonLabel, FixedHorizons, FixedHorizonSettings
from ats_assets.labels.methods.forward_returns import ForwardReturnLabel
from ats_assets.settings import ForwardReturnsSettings
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.kits.market import DAYS as MARKET_DAYS
from ats_assets_tests.kits.market import frames

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(8)]


class TestFixedHorizon(LabelKit):
    plugin = PLUGIN
    small: ClassVar = {"horizon_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2}


def test_returns_are_forward_returns_and_labels_their_sign_beyond_the_threshold() -> None:
    adjust = "splits_and_dividends"
    forward = ForwardReturnLabel(ForwardReturnsSettings(horizons_sessions=(3,)))
    expected = labels_known_at(forward, frames(), MARKET_DAYS, MARKET_DAYS, adjust=adjust)
    label = FixedHorizonLabel(FixedHorizonSettings(horizon_sessions=3, unit="returns", threshold=0.02))
    found = labels_known_at(label, frames(), MARKET_DAYS, MARKET_DAYS, adjust=adjust)
    FixedHorizons.validate(found, lazy=True)
    assert found.select("symbol", "session", "decision_session", "return").equals(
        expected.sort("session", "symbol").select("symbol", "session", "decision_session", pl.col("forward_return").alias("return"))
    )
    signs = pl.when(pl.col("return") > 0.02).then(1).when(pl.col("return") < -0.02).then(-1).otherwise(0)
    assert found["label"].to_list() == found.select(signs).to_series().to_list()
    assert set(found["label"]) == {1, 0, -1}


def test_a_threshold_in_volatility_grows_with_the_root_of_the_horizon() -> None:
    """Returns of 10% and -10% up to the decision: a volatility of 0.1 * sqrt(2), as the triple barrier's tests have it by hand."""
    closes = [100.0, 110.0, 99.0, 100.0, 100.0, 130.0, 130.0]
    bars = pl.DataFrame({"symbol": "A", "session": DAYS[:7], "close": closes}).with_columns(open="close", volume=1.0)
    label = FixedHorizonLabel(FixedHorizonSettings(horizon_sessions=2, threshold=1.5, volatility_span_sessions=3, min_returns=2))
    made = labels_known_at(label, {"bars": bars}, DAYS[:7], DAYS[:7], adjust="none").filter(decision_session=DAYS[2])
    assert made.rows() == [("A", DAYS[5], DAYS[2], 2, pytest.approx(1.5 * 0.1 * 2**0.5 * 2**0.5), 0, pytest.approx(0.3))]
    assert made.schema == FIXED_HORIZON_SCHEMA
