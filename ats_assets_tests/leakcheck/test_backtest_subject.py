"""The backtest that is checked for leaks is the one that the graph makes."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from ats_assets.bars import BARS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.leakcheck.subjects import _equity
from ats_assets.portfolio.schema import WANTED_SCHEMA
from ats_assets.settings import Settings

DAYS = [date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)]


@pytest.mark.parametrize(("kind", "filled"), [("market_on_open", True), ("limit", False)])
def test_an_order_whose_limit_is_never_touched_is_not_filled(kind: str, filled: bool) -> None:
    """Decided at 100, limit 100; from the next open on it costs 110 and more."""
    sections: dict[str, Any] = {"orders": {"kind": kind, "collar_bps": 0}, "backtest": {"initial_cash": 100_000.0}}
    deployment = Deployment(Settings(**sections))
    prices = {"open": [100.0, 110.0, 120.0], "high": [101.0, 112.0, 125.0], "low": [99.0, 109.0, 119.0], "close": [100.0, 111.0, 124.0]}
    bars = pl.DataFrame({"symbol": "AAA", "session": DAYS, **prices, "volume": 1e6, "vwap": None})
    targets = pl.DataFrame({"symbol": "AAA", "session": DAYS, "target_weight": 0.1})
    rows = {
        "bars": bars.select(pl.col(name).cast(dtype) for name, dtype in BARS_SCHEMA.items()),
        "targets": targets.select(pl.col(name).cast(dtype) for name, dtype in WANTED_SCHEMA.items()),
    }
    equity = _equity(deployment, DAYS, rows)
    assert (equity["n_trades"].sum() > 0) is filled
