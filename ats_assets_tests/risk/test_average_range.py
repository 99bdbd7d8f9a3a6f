"""The range that sizes and exits share, by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from ats_assets.expressions import compute
from ats_assets.plugins import METHODS
from ats_assets.portfolio.methods.fixed_risk import ATR
from ats_assets.risk.average_range import average_true_range


def test_the_average_true_range_by_hand() -> None:
    """Wilder's, of two sessions: each is half of the one before and half of the session's true range, which reaches to the close before. What sizes a position is the same, over the close."""
    quiet = [(11.0, 9.0, 10.0)] * 40
    highs, lows, closes = (list(one) for one in zip(*quiet, (15.0, 12.0, 14.0), (13.0, 9.0, 9.5), strict=True))
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(len(closes))]
    bars = pl.DataFrame({"symbol": ["A"] * len(days), "session": days, "high": highs, "low": lows, "close": closes})
    sizing = METHODS.made("fixed_risk", {"atr_sessions": 2}).expressions()[ATR]
    found = compute(bars, {"range": average_true_range(2), "sizing": sizing})
    ranges = found["range"].to_list()
    assert ranges[39] == pytest.approx(2.0, rel=1e-6)
    assert ranges[40] == pytest.approx((2.0 + 5.0) / 2, rel=1e-6)  # 15 less the 10 before
    assert ranges[41] == pytest.approx((3.5 + 5.0) / 2, rel=1e-6)  # the 14 before less 9
    assert found["sizing"].to_list()[40:] == pytest.approx([3.5 / 14.0, 4.25 / 9.5], rel=1e-6)
    assert found["sizing"].is_nan().to_list()[:3] == [True, True, False], "a range is known after so many sessions"
